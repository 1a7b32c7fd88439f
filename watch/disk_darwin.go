package watch

import "golang.org/x/sys/unix"

// diskKey identifies a file system by its device number.
type diskKey uint64

func diskKeyOf(_ string, id identity) diskKey { return diskKey(id.device) }

// diskOf returns the file system of an existing path. macOS itself tells whether a file system is local.
func diskOf(path string) (d Disk, foreign bool) {
	var fs unix.Statfs_t
	if unix.Statfs(path, &fs) != nil {
		return d, false
	}
	d = Disk{Type: unix.ByteSliceToString(fs.Fstypename[:]), Mount: unix.ByteSliceToString(fs.Mntonname[:])}
	return d, fs.Flags&unix.MNT_LOCAL == 0 || isForeign(d.Type)
}
