package watch

import "golang.org/x/sys/unix"

// diskKey tells file systems apart: by the device, which is the same for all folders of one.
type diskKey uint64

func diskKeyOf(_ string, id identity) diskKey { return diskKey(id.device) }

// diskOf asks for the file system of a path that exists. macOS itself says which are not local.
func diskOf(path string) (d Disk, foreign bool) {
	var fs unix.Statfs_t
	if unix.Statfs(path, &fs) != nil {
		return d, false
	}
	d = Disk{Type: unix.ByteSliceToString(fs.Fstypename[:]), Mount: unix.ByteSliceToString(fs.Mntonname[:])}
	return d, fs.Flags&unix.MNT_LOCAL == 0 || isForeign(d.Type)
}
