package watch

import "golang.org/x/sys/unix"

// silentSystem names the file system of a path if changes that are made elsewhere cause no events here; else "".
func silentSystem(path string) string {
	var stat unix.Statfs_t
	if unix.Statfs(path, &stat) != nil {
		return ""
	}
	name := unix.ByteSliceToString(stat.Fstypename[:])
	switch name {
	case "nfs", "smbfs", "webdav", "afpfs", "ftp", "osxfuse", "macfuse", "fusefs", "virtiofs", "9p", "vboxsf", "vmhgfs", "prl_fs":
		return name
	}
	return ""
}
