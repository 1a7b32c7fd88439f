package supervisor

import (
	"syscall"
	"testing"

	"hotreload/process"
)

func TestTraceIn(t *testing.T) {
	trace := "panic: boom\n\tpanic: again\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:3 +0x1d\n"
	crash := process.Exit{Code: tracebackExit}
	for _, c := range []struct {
		name, said string
		exit       process.Exit
		want       string
	}{
		{"a panic", "listening\n" + trace, crash, trace},
		{"after one that was recovered", "panic: old\n\nlistening\n" + trace, crash, trace},
		{"a fatal error", "fatal error: all goroutines are asleep - deadlock!\n", crash,
			"fatal error: all goroutines are asleep - deadlock!\n"},
		{"with a core dump", trace, process.Exit{Code: -1, Signal: syscall.SIGABRT}, trace},
		{"not at the beginning of a line", "http: panic: boom\n", crash, ""},
		{"another end", trace, process.Exit{Code: 1}, ""},
		{"nothing said", "", crash, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if have := traceIn(c.said, c.exit); have != c.want {
				t.Errorf("have %q, want %q", have, c.want)
			}
		})
	}
}
