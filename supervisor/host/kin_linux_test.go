package host

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestListenersOfTheirOwn: the first socket that listens by itself at an address becomes ours, and replaces later
// ones.
func TestListenersOfTheirOwn(t *testing.T) {
	s := newStage(t)
	head, token := s.joinWithKin()
	kin := s.joinKin(token)
	listen := func(port int) int {
		fd := bound(t, port)
		if err := unix.Listen(fd, 5); err != nil {
			t.Fatal(err)
		}
		return fd
	}
	first := listen(0)
	errno, id, got := head.ask(first, "")
	if errno != 0 || id == 0 || got >= 0 {
		t.Fatalf("the first: have error %d, id %d, descriptor %d; want its own socket", errno, id, got)
	}
	if asked, ok := s.next().(Asked); !ok || !asked.New || asked.Err != nil {
		t.Fatalf("have %+v", asked)
	}
	second := listen(portOf(t, first))
	errno, again, got := kin.ask(second, "")
	if errno != 0 || again != id || got < 0 || !sameFile(got, first) {
		t.Fatalf("the second: have error %d, id %d, descriptor %d; want the first socket, %d", errno, again, got, id)
	}
	if asked, ok := s.next().(Asked); !ok || asked.New || asked.Err != nil {
		t.Fatalf("have %+v", asked)
	}
	errno, again, got = kin.ask(first, "") // inherited
	if errno != 0 || again != id || got >= 0 {
		t.Fatalf("the same: have error %d, id %d, descriptor %d; want its own socket, %d", errno, again, got, id)
	}
	s.next()
	alone, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(alone)
	if err := unix.Listen(alone, 5); err != nil {
		t.Fatal(err)
	}
	if errno, _, _ = kin.ask(alone, ""); errno != unix.EOPNOTSUPP {
		t.Errorf("one beside which nobody can listen: have error %d", errno)
	}
}
