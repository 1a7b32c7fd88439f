package problems

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// there says that files are there whose name ends so.
func there(suffixes ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, suffix := range suffixes {
			if strings.HasSuffix(name, suffix) {
				return "/src/" + name, true
			}
		}
		return "/src/" + name, false
	}
}

func texts(all []Problem) string {
	var lines []string
	for _, p := range all {
		lines = append(lines, p.Text(func(file string) string { return strings.TrimPrefix(file, "/src/") }))
	}
	return strings.Join(lines, "\n")
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		name, pattern, output, want string
	}{
		{"protoc", "", "api/a.proto:5:3: Expected \";\".\n", `api/a.proto:5:3: Expected ";".`},
		{"buf", "", "api/a.proto:5:3:syntax error: unexpected '}'\n", "api/a.proto:5:3: syntax error: unexpected '}'"},
		{"sqlc", "", "# package db\nquery.sql:1:1: relation \"authors\" does not exist\n",
			`query.sql:1:1: relation "authors" does not exist`},
		{"without a column", "", "query.sql:7: oops\r\n", "query.sql:7: oops"},
		{"tsc --pretty", "",
			"\x1b[96mweb/a.ts\x1b[0m:\x1b[93m5\x1b[0m:\x1b[93m3\x1b[0m - \x1b[91merror\x1b[0m TS2304: No x.\n",
			"web/a.ts:5:3: error TS2304: No x."},
		{"esbuild: the message comes first", "",
			"✘ [ERROR] Could not resolve \"./b\"\n\n    web/a.ts:1:7:\n      1 │ import \"./b\"\n",
			`web/a.ts:1:7: ✘ [ERROR] Could not resolve "./b"`},
		{"not an address", "", "dial 127.0.0.1:5432: connection refused\nlocalhost:8080: refused\n", ""},
		{"not a time", "", "2026/11/26 12:30:45: query.sql is empty\n", ""},
		{"each once, in order", "", "b.sql:2: y\na.sql:1: x\nb.sql:2: y\n", "b.sql:2: y\na.sql:1: x"},
		{"a pattern of one's own", `^(?P<file>\S+)\((?P<line>\d+),(?P<column>\d+)\): (?P<message>.*)$`,
			"noise\nweb/a.ts(5,3): error TS2304: No x.\n", "web/a.ts:5:3: error TS2304: No x."},
		{"the message comes first", `^ --> (?P<file>.+):(?P<line>\d+)(?P<message>)$`, "error: bad\n --> gone.rs:9\n",
			"gone.rs:9: error: bad"},
		{"each line by itself", `^(?P<file>[^(]+)\((?P<line>\d+)\) (?P<message>.*)$`, "noise\ngone.x(7) bad\n",
			"gone.x:7: bad"},
		{"a file alone", `^cannot parse (?P<file>\S+)$`, "cannot parse gone.x\n",
			"gone.x: cannot parse gone.x"},
		{"no words at all", "", "query.sql:7:", "query.sql:7: tool reports this place"},
	} {
		t.Run(c.name, func(t *testing.T) {
			patterns := []Pattern{Usual}
			if c.pattern != "" {
				pattern, err := ParsePattern(c.pattern)
				if err != nil {
					t.Fatal(err)
				}
				patterns = []Pattern{pattern}
			}
			have := texts(Find(c.output, "tool", patterns, there(".proto", ".sql", ".ts")))
			if have != c.want {
				t.Errorf("have\n%s\nwant\n%s", have, c.want)
			}
		})
	}
}

func TestParsePattern(t *testing.T) {
	for _, c := range []struct{ pattern, says string }{
		{`(?P<file>.+):(?P<line>\d+)`, ""},
		{`(?P<line>\d+)`, "no group with the name file"},
		{`(?P<file>.+) (?P<col>\d+)`, `the group "col" is none of file, line, column, message`},
		{`(?P<file>.+`, "missing closing )"},
	} {
		_, err := ParsePattern(c.pattern)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: have %v, want %q", c.pattern, err, c.says)
		}
	}
}

func TestOfPanic(t *testing.T) {
	own := func(file string) (string, string, bool) {
		return file, "example.com/app", strings.HasPrefix(file, "/src/")
	}
	for _, c := range []struct{ name, trace, want string }{
		{"in main", "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:3 +0x1d\nexit status 2\n",
			"main.go:3: panic: boom"},
		{"below the standard library",
			"panic: runtime error: slice bounds out of range [5:3]\n\ngoroutine 7 [running]:\nstrings.x(...)\n" +
				"\t/go/src/strings/x.go:9\nmain.f({0x1, 0x2})\n\t/src/f.go:12 +0x1d\nmain.main()\n\t/src/main.go:3 +0x1d\n",
			"f.go:12: panic: runtime error: slice bounds out of range [5:3]"},
		{"with a signal, on a terminal",
			"panic: runtime error: nil\r\n[signal SIGSEGV: code=0x1]\r\n\r\ngoroutine 1 [running]:\r\nmain.f()\r\n" +
				"\t/src/f.go:12 +0x1d\r\n",
			"f.go:12: panic: runtime error: nil\n\t[signal SIGSEGV: code=0x1]"},
		{"panicked again by a deferred function: what went wrong first",
			"panic: a [recovered]\n\tpanic: b\n\ngoroutine 1 [running]:\nmain.f.func1()\n\t/src/defer.go:5 +0x1d\n" +
				"panic({0x1, 0x2})\n\t/go/src/runtime/panic.go:792 +0x132\nmain.f()\n\t/src/f.go:12 +0x1d\n",
			"f.go:12: panic: a [recovered]\n\tpanic: b"},
		{"panicked again, and first in a library",
			"panic: a\n\ngoroutine 1 [running]:\nmain.f.func1()\n\t/src/defer.go:5 +0x1d\n" +
				"panic({0x1, 0x2})\n\t/go/src/runtime/panic.go:792 +0x132\nlib.f()\n\t/lib/f.go:12 +0x1d\n",
			"defer.go:5: panic: a"},
		{"in a library's goroutine: who started it",
			"panic: a\n\ngoroutine 9 [running]:\nlib.f()\n\t/lib/f.go:12 +0x1d\ncreated by main.main in goroutine 1\n" +
				"\t/src/main.go:8 +0x1d\n", "main.go:8: panic: a"},
		{"a fatal error has a stack of the runtime's first",
			"fatal error: stack overflow\n\nruntime stack:\nruntime.throw({0x1, 0x2})\n" +
				"\t/go/src/runtime/panic.go:1101 +0x48\n\n" +
				"goroutine 1 gp=0xc m=0 mp=0x5 [running]:\nmain.f(0x1)\n\t/src/f.go:6 +0x5b fp=0xc1 sp=0xc2 pc=0x49\n",
			"f.go:6: fatal error: stack overflow"},
		{"the first goroutine with code of the user's",
			"fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\n" +
				"main.main()\n\t/src/main.go:4 +0x1\n\n" +
				"goroutine 5 [select]:\nmain.g()\n\t/src/g.go:7 +0x1\n",
			"main.go:4: fatal error: all goroutines are asleep - deadlock!"},
		{"no frame of the user's", "panic: a\n\ngoroutine 9 [running]:\nlib.f()\n\t/lib/f.go:12 +0x1d\n", "panic: a"},
		{"cut off", "panic: a\n\ngoroutine 9 [run", "panic: a"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, ok := OfPanic(c.trace, own)
			var all []Problem
			if ok {
				all = append(all, p)
			}
			if have := texts(all); have != c.want {
				t.Errorf("have %q, want %q", have, c.want)
			}
			if ok && (p.Tool != Panic || (p.File != "") != (p.Package != "")) {
				t.Errorf("have %+v", p)
			}
		})
	}
}

func TestSARIF(t *testing.T) {
	dir := filepath.FromSlash("/src/app")
	all := []Problem{
		{File: filepath.Join(dir, "a b.go"), Line: 3, Column: 9, Message: "undefined: x", Tool: Go},
		{File: filepath.FromSlash("/src/lib/l.go"), Line: 1, Message: "y", Tool: Go},
		{Message: "exit code 3", Tool: Hotreload},
	}
	text, err := json.Marshal(SARIF(all, dir, func(string, int) string { return `var ü, 𝄞 = x` }))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"uri":"a%20b.go","uriBaseId":"%SRCROOT%"},"region":{"startLine":3,"startColumn":8}`, // ü is 2 bytes and 1 unit
		`{"uri":"file:///src/lib/l.go"},"region":{"startLine":1}}`,
		`{"level":"error","message":{"text":"exit code 3"}}`,
		`"originalUriBaseIds":{"%SRCROOT%":{"uri":"file:///src/app/"}}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("have %s\nwant %s in it", text, want)
		}
	}
	if n := strings.Count(string(text), `"driver"`); n != 2 {
		t.Errorf("%d runs, want one for each tool", n)
	}
	if text, _ = json.Marshal(SARIF(nil, dir, nil)); !strings.Contains(string(text), `"results":[]`) {
		t.Errorf("without problems: %s", text)
	}
}
