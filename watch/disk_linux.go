package watch

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// diskKey identifies a file system by its device number.
type diskKey uint64

func diskKeyOf(_ string, id identity) diskKey { return diskKey(id.device) }

// diskOf returns the file system of an existing path. /proc/self/mountinfo has the precise type (fuse.sshfs). Without
// /proc, the number from statfs(2) tells the family of file systems.
func diskOf(path string) (d Disk, foreign bool) {
	if text, err := os.ReadFile("/proc/self/mountinfo"); err == nil {
		var st unix.Statx_t
		if unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_MNT_ID, &st) == nil && st.Mask&unix.STATX_MNT_ID != 0 {
			if d, ok := mountByID(string(text), st.Mnt_id); ok {
				return d, isForeign(d.Type)
			}
		}
		// Linux before 5.8 reports the device, but not the mount.
		if st.Dev_major != 0 || st.Dev_minor != 0 {
			if d, ok := mountByDevice(string(text), st.Dev_major, st.Dev_minor); ok {
				return d, isForeign(d.Type)
			}
		}
	}
	var fs unix.Statfs_t
	if unix.Statfs(path, &fs) == nil {
		d.Type = magicTypes[uint32(fs.Type)]
	}
	return d, isForeign(d.Type)
}

// A line of mountinfo, see proc_pid_mountinfo(5):
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
func eachMount(text string, match func(id uint64, device string) bool) (d Disk, ok bool) {
	for line := range strings.Lines(text) {
		front, back, found := strings.Cut(line, " - ")
		fields, kind := strings.Fields(front), strings.Fields(back)
		if !found || len(fields) < 5 || len(kind) == 0 {
			continue
		}
		if id, err := strconv.ParseUint(fields[0], 10, 64); err == nil && match(id, fields[2]) {
			return Disk{Type: kind[0], Mount: unescaped(fields[4])}, true
		}
	}
	return Disk{}, false
}

func mountByID(text string, id uint64) (Disk, bool) {
	return eachMount(text, func(other uint64, _ string) bool { return other == id })
}

func mountByDevice(text string, major, minor uint32) (Disk, bool) {
	want := strconv.Itoa(int(major)) + ":" + strconv.Itoa(int(minor))
	return eachMount(text, func(_ uint64, device string) bool { return device == want })
}

// unescaped reverses the kernel's escapes for spaces, tabs, newlines and backslashes: \040.
func unescaped(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '\\' && i+3 < len(path) {
			if c, err := strconv.ParseUint(path[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

// magicTypes are the numbers of the foreign file systems, from linux/magic.h and from the sources of the others.
var magicTypes = map[uint32]string{
	0x6969: "nfs", 0xff534d42: "cifs", 0xfe534d42: "smb3", 0x517b: "smbfs", 0x564c: "ncpfs", 0x5346414f: "afs",
	0x6b414653: "afs", 0x73757245: "coda", 0x00c36400: "ceph", 0x0bd00bd0: "lustre", 0x01161970: "gfs2",
	0x7461636f: "ocfs2", 0x47504653: "gpfs", 0x19830326: "beegfs", 0x20030528: "orangefs", 0x01021997: "9p",
	0x53464846: "wslfs", 0x786f4256: "vboxsf", 0xbacbacbc: "vmhgfs", 0x7c7c6673: "prl_fs", 0x65735546: "fuse",
}
