package supervisor

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotreload/process"
	"hotreload/supervisor/inspect"
)

func TestExitTable(t *testing.T) {
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	var x Exits
	for i, e := range []Exited{
		{Exit: Exit{Exit: process.Exit{Code: 1}, Tail: "first\n"}},
		{Exit: Exit{}, Expected: true},
		{Exit: Exit{Exit: process.Exit{Code: -1, Signal: syscall.SIGKILL}}},
		{Exit: Exit{Exit: process.Exit{Code: -1, Signal: syscall.SIGKILL}, OOM: inspect.IsOOM}},
		{Exit: Exit{Exit: process.Exit{Code: -1, Signal: syscall.SIGSEGV, Core: true}}},
		{Exit: Exit{StartError: errors.New("no such file")}},
		{Exit: Exit{}},
		{Exit: Exit{Exit: process.Exit{Code: 1}, Tail: "second\n"}},
	} {
		before := fmt.Sprint(x)
		next := x.Note(e, at(i))
		if fmt.Sprint(x) != before {
			t.Fatalf("step %d changed the previous table", i)
		}
		x = next
	}
	want := Exits{
		{Code: 1, Count: 2, Last: at(7), What: "exit code 1", Words: "second"},
		{Count: 2, Asked: 1, Last: at(6), What: "exit code 0"},
		{Unstarted: true, Count: 1, Last: at(5), What: "no such file"},
		{Code: -1, Signal: syscall.SIGSEGV, Core: true, Count: 1, Last: at(4), What: "killed by SIGSEGV (core dumped)"},
		{
			Code:   -1,
			Signal: syscall.SIGKILL,
			OOM:    inspect.IsOOM,
			Count:  1,
			Last:   at(3),
			What:   "killed by SIGKILL, for lack of memory",
		},
		{Code: -1, Signal: syscall.SIGKILL, Count: 1, Last: at(2), What: "killed by SIGKILL"},
	}
	if !reflect.DeepEqual(x, want) {
		t.Errorf("have\n%+v\nwant\n%+v", x, want)
	}
}

func TestLastLines(t *testing.T) {
	long := strings.Repeat("line\n", 100)
	if have := lastOf(long + "last\r\n\n"); strings.Count(have, "\n") != lastLines-1 ||
		!strings.HasSuffix(have, "line\nlast") {
		t.Errorf("have %q", have)
	}
	if have := lastOf(""); have != "" {
		t.Errorf("have %q for an empty text", have)
	}
}
