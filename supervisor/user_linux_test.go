package supervisor

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// nobody returns another user, if the test may start processes as that user.
func nobody(t *testing.T) *User {
	t.Helper()
	user, err := FindUser("nobody")
	if err == nil {
		err = user.May()
	}
	if err != nil {
		t.Skip("workers cannot run as the user nobody: ", err)
	}
	return user
}

// A worker of another user has this user's ids in all respects. It can use everything that other workers have: the
// inherited socket, READY=1 and its output, even if its program is in a folder that the user cannot read.
func TestWorkerOfAnotherUser(t *testing.T) {
	user := nobody(t)
	for _, listen := range []string{"", "127.0.0.1:0"} {
		t.Run("listen "+listen, func(t *testing.T) {
			config := Config{User: user, Policy: Policy{Ready: ReadyNotify}}
			at := freePort(t)
			if listen != "" {
				config.Listen = []Address{address(t, listen)}
			}
			s := start(t, config)
			args := []string{"-ready", "self"}
			if listen == "" {
				args = append(args, "-listen", at)
			} else {
				at = s.Addresses()[0].Addr
			}
			must(t, os.Chmod(s.dir, 0o700))
			s.generation = 1
			s.Replace(Plan{Generation: 1, Path: s.program("v1"), Args: args})
			await(s, replaced(1))
			pid := 0
			a := Address{Network: "tcp", Addr: at}
			fmt.Sscan(strings.Fields(get(t, a, "/"))[2], &pid)
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			must(t, err)
			for _, line := range []string{
				fmt.Sprintf("Uid:\t%d\t%[1]d\t%[1]d\t%[1]d\n", user.Uid),
				fmt.Sprintf("Gid:\t%d\t%[1]d\t%[1]d\t%[1]d\n", user.Gid),
			} {
				if !strings.Contains(string(status), line) {
					t.Errorf("%q is not in its status:\n%s", line, status)
				}
			}
			if groups := regexp.MustCompile(`Groups:\t(.*)\n`).FindSubmatch(status); groups == nil ||
				strings.TrimSpace(string(groups[1])) != strings.Trim(fmt.Sprint(user.Groups), "[]") {
				t.Errorf("its groups are %s, want %v", groups, user.Groups)
			}
			if have := get(t, a, "/env?name=HOME"); have != user.Home {
				t.Errorf("its home is %q, want %q", have, user.Home)
			}
		})
	}
}

// The handover works as usual: the agent connects, and each new worker binds next to the supervisor's socket, in both
// cases: a socket from the last worker, and a socket opened by the supervisor.
func TestHandOverOfAnotherUser(t *testing.T) {
	user := nobody(t)
	plan := build(t, "unchanged", true)
	for _, opened := range []bool{false, true} {
		t.Run(fmt.Sprint("opened by us: ", opened), func(t *testing.T) {
			a := address(t, freePort(t))
			config := Config{User: user, Agents: true, Args: []string{"http", a.Addr, "bare"}, Policy: Policy{Workers: 2}}
			if opened {
				config.Listen = []Address{a}
			}
			s := start(t, config)
			for range 3 {
				await(s, replaced(s.replaceWith(plan)))
				if have := get(t, a, "/echo?id=7"); have != fmt.Sprintf("%d 7 0 0", s.generation) {
					t.Errorf("have %q of generation %d", have, s.generation)
				}
			}
			s.nothingForced()
		})
	}
}

// If the agent cannot connect, this is reported once, and everything else works.
func TestUserWhoCannotReachUs(t *testing.T) {
	user := nobody(t)
	private := t.TempDir()
	must(t, os.Chmod(private, 0o700))
	t.Setenv("TMPDIR", private)
	other, err := New(
		Config{
			User:   user,
			Agents: true,
			Env:    os.Environ(),
			Name:   "program",
			Output: Output{Write: func(Worker, Stream, []byte) {}},
		},
	)
	must(t, err)
	other.Stop()
	said := 0
	for event := range other.Events() {
		if e, ok := event.(NoAgent); ok && strings.Contains(e.Reason, private) {
			said++
		}
	}
	if said != 1 {
		t.Errorf("it was said %d times that the agent cannot reach us", said)
	}
}

func TestUserThatIsNone(t *testing.T) {
	for _, name := range []string{"", "nobody-of-this-name", "99999999", "nobody:no-such-group", "-1"} {
		if user, err := FindUser(name); err == nil {
			t.Errorf("%q is %+v", name, user)
		}
	}
}

// A worker of another user can receive messages, too.
func TestMessagesToAnotherUser(t *testing.T) {
	user := nobody(t)
	s := start(t, Config{User: user})
	await(s, serving(s.replaceWith(build(t, "say/pool", false))))
	if a, _, err := s.ask(AllSlots, `{}`); err != nil || a.Generation != 1 {
		t.Errorf("have %+v, %v", a, err)
	}
}
