package process

import (
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestGiveWayIsInherited(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes: not with -short")
	}
	var out strings.Builder
	cmd := exec.Command("sh", "-c", `read line; sh -c nice`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = &out
	p, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	p.GiveWay()
	attr, err := unix.SchedGetAttr(p.Pid(), 0)
	if err != nil || attr.Policy != unix.SCHED_IDLE {
		t.Errorf("have %+v, %v", attr, err)
	}
	in.Write([]byte("go on\n"))
	<-p.Done()
	if text := strings.TrimSpace(out.String()); text != "19" {
		t.Errorf("a child of the child runs with niceness %q, want 19", text)
	}
}
