package watch

import (
	"path/filepath"
	"testing"
	"time"
)

func TestForeign(t *testing.T) {
	for kind, want := range map[string]bool{
		"nfs": true, "nfs4": true, "cifs": true, "smb3": true, "smbfs": true, "afs": true, "ceph": true,
		"9p": true, "drvfs": true, "virtiofs": true, "vboxsf": true, "prl_fs": true, "fakeowner": true,
		"AppleVirtIOFS": true,
		"fuse":          true, "fuse.sshfs": true, "fuse.vmhgfs-fuse": true, "fuse.grpcfuse": true, "macfuse": true,
		"ext4": false, "xfs": false, "btrfs": false, "tmpfs": false, "overlay": false, "zfs": false, "apfs": false,
		"ntfs3": false,
		"NTFS":  false, "vfat": false, "fuseblk": false, "ecryptfs": false, "": false,
	} {
		if have := isForeign(kind); have != want {
			t.Errorf("%q: have %v, want %v", kind, have, want)
		}
	}
}

func TestHowWithoutAWatcher(t *testing.T) {
	folder := t.TempDir()
	for _, path := range []string{folder, filepath.Join(folder, "not", "there")} {
		way := How(path)
		t.Logf("%s: %+v", path, way)
		if way != How(filepath.Dir(path)) && filepath.Dir(path) != filepath.Dir(folder) {
			t.Errorf("%s: have %+v, but the folder above is %+v", path, way, How(filepath.Dir(path)))
		}
	}
}

func TestHow(t *testing.T) {
	root := newRoot(t)
	s := &script{t: t, root: root}
	s.run("mkdir in/d\nwrite in/d/f\nwrite in/a.log\nmkdir out\nwrite out/f\nwrite out/g")
	for _, poll := range []time.Duration{0, DefaultPoll} {
		s.w = open(t, Config{Ignored: matching("*.log"), Poll: poll})
		s.run("set tree in file out/f dir late/d")
		for path, want := range map[string]bool{
			"in": true, "in/d": true, "in/d/f": true, "in/d/new": true, "in/a.log": false,
			"out/f": true, "out/g": false, "out": false, "late/d/x": true,
		} {
			way, watched, err := s.w.How(testContext(t), filepath.Join(root, path))
			if err != nil {
				t.Fatal(err)
			}
			if watched != want {
				t.Errorf("%s: watched is %v, want %v", path, watched, want)
			}
			if reason := map[bool]Reason{false: Heard, true: Asked}[poll > 0]; watched && way.Reason != reason &&
				!How(root).Polled() {
				t.Errorf("%s: %v, want %v", path, way.Reason, reason)
			}
		}
	}
}
