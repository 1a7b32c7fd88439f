package watch

import "strings"

// foreignTypes are the file systems on which files change behind the kernel's back, so that its events tell only of what
// this machine does: network file systems, the shared folders of virtual machines and containers, cluster file systems. The
// names are those of mountinfo, and of statfs on macOS.
var foreignTypes = map[string]bool{
	// Network.
	"nfs": true, "nfs4": true, "cifs": true, "smb3": true, "smbfs": true, "ncpfs": true, "ncp": true, "afs": true, "afpfs": true,
	"coda": true, "webdav": true, "davfs": true, "ftp": true, "sshfs": true,
	// Clusters.
	"ceph": true, "lustre": true, "gfs2": true, "ocfs2": true, "glusterfs": true, "gpfs": true, "beegfs": true, "orangefs": true, "pvfs2": true,
	// The host's folders in a virtual machine or container: QEMU and WSL 2, WSL 1, KVM and Docker Desktop, VirtualBox, VMware,
	// Parallels, Hyper-V.
	"9p": true, "drvfs": true, "wslfs": true, "virtiofs": true, "applevirtiofs": true, "fakeowner": true, "grpcfuse": true, "osxfs": true,
	"vboxsf": true, "vboxvfs": true, "vmhgfs": true, "hgfs": true, "prl_fs": true, "prl_fs_freeze": true,
	// A program in user space, which may take the files from anywhere.
	"fuse": true, "macfuse": true, "osxfuse": true, "fusefs": true,
}

// isForeign tells whether files of a file system of this type change behind the kernel's back. fuse.sshfs, fuse.vmhgfs-fuse
// and all their kin do; fuseblk, which has a disk of this machine below it (NTFS, exFAT), does not.
func isForeign(kind string) bool {
	kind = strings.ToLower(kind)
	family, _, _ := strings.Cut(kind, ".")
	return foreignTypes[family] || strings.HasPrefix(kind, "fusefs") || strings.HasPrefix(kind, "macfuse")
}

// disk is what is known of a file system that has watched folders.
type disk struct {
	Disk
	foreign bool
	missed  map[string]struct{} // paths that were found changed without an event
	guilty  bool                // so many that its events are not trusted any more
}

// disk returns the file system of a folder. What was asked of the system is forgotten with the next Watch, since something
// else may be mounted by then.
func (w *Watcher) disk(f *folder) *disk {
	key := diskKeyOf(f.path, f.id)
	d := w.disks[key]
	if d == nil {
		d = &disk{missed: make(map[string]struct{})}
		d.Disk, d.foreign = diskOf(f.path)
		w.disks[key] = d
	}
	return d
}

func (w *Watcher) forgetDisks() {
	for key, d := range w.disks {
		if len(d.missed) == 0 {
			delete(w.disks, key)
		}
	}
}
