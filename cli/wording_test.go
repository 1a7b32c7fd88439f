package cli

import (
	"strings"
	"syscall"
	"testing"

	"hotreload/process"
	"hotreload/supervisor"
)

func exitWith(code int, tail string) supervisor.Exit {
	return supervisor.Exit{Exit: process.Exit{Code: code}, Tail: tail}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, tail, want string }{
		{"nothing", "", ""},
		{"blank", "\n \r\n", ""},
		{"a line", "2026/11/23 10:00:00 no such table\n", ": 2026/11/23 10:00:00 no such table"},
		{"the last of several", "one\r\ntwo\r\n\r\n", ": two"},
		{"without its end", "one\ntw", ": tw"},
		{"colours", "\x1b[31mred\x1b[0m\n", ": red"},
		{"a panic", "serving\npanic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:7 +0x25\nexit status 2\n",
			": panic: boom"},
		{"a panic in a panic", "panic: one [recovered]\n\tpanic: two\n\ngoroutine 7 [running]:\nmain.main()\n",
			": panic: two"},
		{"the runtime's",
			"fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [select (no cases)]:\nmain.main()\n",
			": fatal error: all goroutines are asleep - deadlock!"},
		{"the middle of a stack",
			"0x45 +0x1\n\ngoroutine 9 [select]:\nnet/http.(*Server).Serve()\n\t/go/server.go:3400 +0x48\n", ""},
		{"what would garble the screen", "a\x1b]0;title\x07b\n", `: "a\x1b]0;title\ab"`},
		{"long", strings.Repeat("ü", 200), ": " + strings.Repeat("ü", 119) + "…"},
	} {
		if have := quoted(exitWith(1, c.tail)); have != c.want {
			t.Errorf("%s: have %q, want %q", c.name, have, c.want)
		}
	}
	for _, c := range []struct {
		name string
		exit supervisor.Exit
		want string
	}{
		{"by itself, well", exitWith(0, "serving\n"), ""},
		{"killed", supervisor.Exit{Exit: process.Exit{Code: -1, Signal: syscall.SIGKILL}, Tail: "serving\n"}, ""},
		{"a crash", supervisor.Exit{Exit: process.Exit{Code: -1, Signal: syscall.SIGABRT}, Tail: "assertion failed\n"},
			": assertion failed"},
	} {
		if have := quoted(c.exit); have != c.want {
			t.Errorf("%s: have %q, want %q", c.name, have, c.want)
		}
	}
}
