package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestControlSocketOfAnotherUser: another user is refused even if the folder's permissions would allow the connection,
// and the refusal is printed.
func TestControlSocketOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can act as another user")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the other program for requests is missing: ", err)
	}
	s := startControlled(t, newModule(t, nil), ".", "{addr}")
	s.serves("v1")
	path := filepath.Join(s.runtime(), "hotreload", fmt.Sprint(s.cmd.Process.Pid)+".sock")
	for _, one := range []string{s.runtime(), filepath.Dir(path)} {
		if err := os.Chmod(one, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	ask := func(uid uint32) string {
		t.Helper()
		curl := exec.Command("curl", "-sS", "-i", "--unix-socket", path, "http://hotreload/v1/status")
		curl.Dir = "/"
		curl.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, err := curl.CombinedOutput()
		if err != nil && !strings.Contains(string(out), "HTTP/1.1") {
			var modes []string
			for one := path; one != "/"; one = filepath.Dir(one) {
				info, err := os.Lstat(one)
				modes = append(modes, fmt.Sprint(one, info.Mode(), err))
			}
			t.Fatalf("user %d: %v %s; %q", uid, err, out, modes)
		}
		return string(out)
	}
	if out := ask(65534); !strings.Contains(out, "401") ||
		!strings.Contains(out, "denied: it belongs to another user") || strings.Contains(out, "generation") {
		t.Errorf("another user gets %s", out)
	}
	s.waitFor(`a command from user 65534 was denied: it is another user`)
	if out := ask(0); !strings.Contains(out, "200 OK") {
		t.Errorf("root gets %s", out)
	}
}
