package watch

import "testing"

const mountinfo = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
90 27 0:49 / /mnt/c rw,noatime shared:2 master:3 - 9p drvfs rw,dirsync,aname=drvfs;path=C:\;uid=1000
91 27 0:50 /src /home/me/my\040src rw - fuse.sshfs me@host:/src rw
92 27 0:51 / /broken
garbage
`

func TestMountinfo(t *testing.T) {
	for _, c := range []struct {
		id   uint64
		want Disk
		ok   bool
	}{
		{27, Disk{"ext4", "/"}, true},
		{90, Disk{"9p", "/mnt/c"}, true},
		{91, Disk{"fuse.sshfs", "/home/me/my src"}, true},
		{92, Disk{}, false},
		{5, Disk{}, false},
	} {
		if have, ok := mountByID(mountinfo, c.id); have != c.want || ok != c.ok {
			t.Errorf("mount %d: have %+v, want %+v", c.id, have, c.want)
		}
	}
	if have, ok := mountByDevice(mountinfo, 0, 49); !ok || have != (Disk{"9p", "/mnt/c"}) {
		t.Errorf("device 0:49: have %+v", have)
	}
	if have := unescaped(`a\134b\012c\`); have != "a\\b\nc\\" {
		t.Errorf("have %q", have)
	}
}

func TestDiskOf(t *testing.T) {
	for path, want := range map[string]Disk{"/proc/self": {"proc", "/proc"}, "/dev/null": {"devtmpfs", "/dev"}} {
		have, foreign := diskOf(path)
		if have.Type == "" || foreign {
			t.Errorf("%s: have %+v, foreign %v", path, have, foreign)
		}
		if have != want { // a container may have another kind of disk
			t.Logf("%s: have %+v, elsewhere %+v", path, have, want)
		}
	}
}
