package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
)

// notified opens a socket for NOTIFY_SOCKET at path. hears expects the next notification, which begins with want.
func notified(t *testing.T) (path string, hears func(want string)) {
	t.Helper()
	said := make(chan string, 100)
	path = filepath.Join(t.TempDir(), "notify")
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
	ensure(t, err)
	t.Cleanup(func() { notify.Close() })
	go func() { // ends with the socket
		buffer := make([]byte, 4096)
		for {
			n, err := notify.Read(buffer)
			if err != nil {
				return
			}
			said <- string(buffer[:n])
		}
	}()
	return path, func(want string) {
		t.Helper()
		select {
		case have := <-said:
			if !strings.HasPrefix(have, want) {
				t.Fatalf("systemd got %q, want %q", have, want)
			}
		case <-time.After(patience):
			t.Fatalf("systemd did not get %s", want)
		}
	}
}

// TestSocketsOfSystemd: the sockets of systemd's socket activation reach an ordinary program, and systemd is notified
// of hotreload's state.
func TestSocketsOfSystemd(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ensure(t, err)
	file, err := l.(*net.TCPListener).File()
	ensure(t, err)
	addr := l.Addr().String()
	l.Close()
	path, hears := notified(t)
	dir := newModule(t, nil)
	s := setup{stdin: file, env: []string{"NOTIFY_SOCKET=" + path}, through: []string{"sh", "-c",
		`LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web exec "$0" "$@" 3<&0 </dev/null`}}.start(t, dir, ".", addr)
	file.Close()
	s.addr = addr
	s.serves("v1") // although its own parent has the port
	s.waitFor(`building . for .*` + addr)
	hears("READY=1")
	client := keepAsking("http://"+addr, func(text string) bool { return strings.HasPrefix(text, "v") })
	s.save("version.go", version("v2", ""))
	s.serves("v2")
	hears("RELOADING=1\nMONOTONIC_USEC=")
	hears("READY=1")
	s.save("version.go", version("v3", "os.Exit(1)"))
	hears("RELOADING=1")
	hears("READY=1")
	s.save("version.go", version("v4", ""))
	s.serves("v4")
	client.end(t)
	hears("RELOADING=1")
	hears("READY=1")
	ensure(t, os.WriteFile(filepath.Join(dir, "hotreload.toml"), []byte("broken"), 0o666))
	ensure(t, s.cmd.Process.Signal(syscall.SIGHUP))
	hears("RELOADING=1")
	hears("READY=1")
	ensure(t, s.cmd.Process.Signal(syscall.SIGTERM))
	hears("STOPPING=1")
}

// unitOf reads a unit of the recipe: the values of its keys. %h is home.
func unitOf(t *testing.T, name, home string) map[string]string {
	t.Helper()
	text := recipeOf(t, "systemd.md", "~/.config/systemd/user/"+name)
	all, err := unit.DeserializeOptions(strings.NewReader(text))
	ensure(t, err)
	values := map[string]string{}
	for _, option := range all {
		values[option.Name] = strings.ReplaceAll(option.Value, "%h", home)
	}
	return values
}

// TestSystemdRecipe starts the unit's command as systemd does. The notifications are those that Type=notify-reload
// needs: for the start, for a save, for systemctl reload (SIGHUP) and for the end, which is exit code 0 after SIGTERM.
func TestSystemdRecipe(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	service, socket := unitOf(t, "server.service", home), unitOf(t, "server.socket", home)
	if service["Type"] != "notify-reload" || service["KillMode"] != "mixed" || service["Requires"] != "server.socket" {
		t.Errorf("the unit is not the one that this test plays: %v", service)
	}
	command := strings.Fields(service["ExecStart"])
	self, err := filepath.Abs(os.Args[0])
	ensure(t, err)
	ensure(t, os.MkdirAll(filepath.Dir(command[0]), 0o777))
	ensure(t, os.Symlink(self, command[0]))
	dir := service["WorkingDirectory"]
	ensure(t, os.CopyFS(dir, os.DirFS(newRecipe(t, nil))))

	l, err := net.Listen("tcp", strings.Replace(socket["ListenStream"], ":8080", ":0", 1))
	ensure(t, err)
	file, err := l.(*net.TCPListener).File()
	ensure(t, err)
	address := l.Addr().String()
	l.Close()
	path, hears := notified(t)
	if !strings.HasPrefix(service["Environment"], "PATH="+filepath.Dir(command[0])+":") {
		t.Errorf("the unit's environment is %s", service["Environment"])
	}
	u := setup{stdin: file, env: []string{"NOTIFY_SOCKET=" + path, service["Environment"] + ":" + os.Getenv("PATH")},
		as: command[:1], through: []string{"sh", "-c",
			`LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=server.socket exec "$0" "$@" 3<&0 </dev/null`}}
	arguments := strings.Split(strings.ReplaceAll(strings.Join(command[1:], " "), socket["ListenStream"], address), " ")
	s := u.start(t, dir, arguments...)
	file.Close()
	s.addr = address
	s.serves("v1")
	hears("READY=1")
	s.save("cmd/server/version.go", version("v2", ""))
	s.serves("v2")
	hears("RELOADING=1\nMONOTONIC_USEC=")
	hears("READY=1")
	ensure(t, s.cmd.Process.Signal(syscall.SIGHUP))
	hears("RELOADING=1\nMONOTONIC_USEC=")
	hears("READY=1")
	ensure(t, s.cmd.Process.Signal(syscall.SIGTERM))
	hears("STOPPING=1")
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}
