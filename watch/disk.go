package watch

import "strings"

// foreignTypes are the file systems with changes by other machines, while the kernel reports only this machine's
// changes: network file systems, the shared folders of virtual machines and containers, cluster file systems. The names
// are from mountinfo, on macOS from statfs.
var foreignTypes = map[string]bool{
	// Network.
	"nfs": true, "nfs4": true, "cifs": true, "smb3": true, "smbfs": true, "ncpfs": true,
	"ncp": true, "afs": true, "afpfs": true, "coda": true, "webdav": true, "davfs": true, "ftp": true, "sshfs": true,
	// Clusters.
	"ceph": true, "lustre": true, "gfs2": true, "ocfs2": true, "glusterfs": true, "gpfs": true,
	"beegfs": true, "orangefs": true, "pvfs2": true,
	// The host's folders in a virtual machine or container: QEMU and WSL 2, WSL 1, KVM and Docker Desktop, VirtualBox,
	// VMware, Parallels, Hyper-V.
	"9p": true, "drvfs": true, "wslfs": true, "virtiofs": true, "applevirtiofs": true, "fakeowner": true,
	"grpcfuse": true, "osxfs": true, "vboxsf": true, "vboxvfs": true, "vmhgfs": true, "hgfs": true, "prl_fs": true,
	"prl_fs_freeze": true,
	// A program in user space, with files from anywhere.
	"fuse": true, "macfuse": true, "osxfuse": true, "fusefs": true,
}

// isForeign reports whether others can change files of this type of file system without an event. Foreign are
// fuse.sshfs, fuse.vmhgfs-fuse and similar types, but not fuseblk, a disk of this machine (NTFS, exFAT).
func isForeign(kind string) bool {
	kind = strings.ToLower(kind)
	family, _, _ := strings.Cut(kind, ".")
	return foreignTypes[family] || strings.HasPrefix(kind, "fusefs") || strings.HasPrefix(kind, "macfuse")
}

// disk is the state of a file system with watched folders.
type disk struct {
	Disk
	foreign bool
	missed  map[string]struct{} // paths found changed without an event
	guilty  bool                // too many such paths: events of this disk are not trusted any more
}

// disks are the file systems with watched folders.
type disks struct{ known map[diskKey]*disk }

func newDisks() *disks { return &disks{known: make(map[diskKey]*disk)} }

// of returns the file system of a folder. The next Watch asks the system again, because something else may be mounted
// by then.
func (d *disks) of(f *folder) *disk {
	key := diskKeyOf(f.path, f.id)
	one := d.known[key]
	if one == nil {
		one = &disk{missed: make(map[string]struct{})}
		one.Disk, one.foreign = diskOf(f.path)
		d.known[key] = one
	}
	return one
}

// forget drops everything that can be asked again; disks with missed changes stay.
func (d *disks) forget() {
	for key, one := range d.known {
		if len(one.missed) == 0 {
			delete(d.known, key)
		}
	}
}
