package e2e

import (
	"fmt"
	"os"
	"os/user"
	"strings"
	"testing"
)

// --user: hotreload is root, the workers are not, and reloads work as usual.
func TestWorkersOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can run workers as another user")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("no other user: ", err)
	}
	s := start(t, newModule(t, nil), "--user", "nobody", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	for i, v := range []string{"v2", "v3"} {
		old := s.pid()
		s.save("version.go", version(v, ""))
		s.waitFor(fmt.Sprintf(`generation %d serves`, i+2)) // from here on, no connection reaches the old worker
		s.serves(v)
		now := s.pid()
		if now == old {
			t.Fatalf("%s serves, but the worker is the same", v)
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", now))
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("\nUid:\t%s\t%[1]s\t%[1]s\t%[1]s\n", nobody.Uid); !strings.Contains(string(status), want) {
			t.Errorf("%q is missing in the worker's status:\n%s", want, status)
		}
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	s = start(t, s.dir, "--user", "nobody-of-that-name", ".", "{addr}")
	s.waitFor(`nobody-of-that-name(.|\n)*hint: `)
	if code := s.exit(); code != 2 {
		t.Errorf("exit code %d for an unknown user, want 2", code)
	}
}
