package watch

import "golang.org/x/sys/unix"

// silentSystem names the file system of a path if changes that are made elsewhere (by a server, by a virtual machine's
// host, by another machine) cause no events here; else "". The numbers are those of statfs(2) and of the kernel's
// include/uapi/linux/magic.h; vboxsf and vmhgfs are in their own sources.
func silentSystem(path string) string {
	var stat unix.Statfs_t
	if unix.Statfs(path, &stat) != nil {
		return ""
	}
	return silentSystems[uint32(stat.Type)]
}

var silentSystems = map[uint32]string{
	unix.NFS_SUPER_MAGIC:  "nfs",
	unix.SMB_SUPER_MAGIC:  "smb",
	unix.CIFS_SUPER_MAGIC: "cifs",
	unix.SMB2_SUPER_MAGIC: "smb",
	unix.V9FS_MAGIC:       "9p (drvfs)",
	unix.FUSE_SUPER_MAGIC: "fuse",
	0x6a656a63:            "virtiofs",
	0x786f4256:            "vboxsf",
	0xbacbacbc:            "vmhgfs",
	unix.CEPH_SUPER_MAGIC: "ceph",
	unix.CODA_SUPER_MAGIC: "coda",
	unix.AFS_SUPER_MAGIC:  "afs",
	0x7461636f:            "ocfs2",
}
