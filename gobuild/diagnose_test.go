package gobuild

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestDiagnose(t *testing.T) {
	dir := filepath.FromSlash("/src/a")
	if filepath.Separator == '\\' {
		dir = `C:\src\a`
	}
	for _, c := range []struct {
		name, text string
		want       []string // package | file | line:col | text
		more, full bool
	}{
		{"syntax", "# example.com/a/cmd/y\ncmd/y/main.go:2:11: syntax error: unexpected {, expected )\n",
			[]string{"example.com/a/cmd/y|cmd/y/main.go|2:11|syntax error: unexpected {, expected )"}, false, false},
		{"several lines, too many",
			"# a\n./m.go:5:9: too many return values\n\thave (number)\n\twant ()\n./m.go:3:56: too many errors\n",
			[]string{"a|m.go|5:9|too many return values\n\thave (number)\n\twant ()"}, true, false},
		{"bare too many errors", "# a\n./m.go:5:9: x\ntoo many errors\n", []string{"a|m.go|5:9|x"}, true, false},
		{"two packages", "# a\n./m.go:1:2: x\n# b\n../b/n.go:3: y\n", []string{"a|m.go|1:2|x", "b|../b/n.go|3:0|y"},
			false, false},
		{"places within a message",
			"# a\nm.go:2:5: initialization cycle for a\n\tm.go:2:5: a refers to b\n\tm.go:3:5: b refers to a\n",
			[]string{"a|m.go|2:5|initialization cycle for a\n\tm.go:2:5: a refers to b\n\tm.go:3:5: b refers to a"},
			false, false},
		{"import", "main.go:4:2: no required module provides package x.org/y; to add it:\n\tgo get x.org/y\n",
			[]string{"|main.go|4:2|no required module provides package x.org/y; to add it:\n\tgo get x.org/y"},
			false, false},
		{"go.sum", "main.go:2:8: missing go.sum entry for module providing package x.org/y (imported by a); to add:\n" +
			"\tgo get a\n",
			[]string{"|main.go|2:8|missing go.sum entry for module providing package x.org/y (imported by a); to add:\n" +
				"\tgo get a"}, false, false},
		{"cycle", "package a\n\timports b from a.go\n\timports a from b.go: import cycle not allowed\n",
			[]string{"||0:0|package a\n\timports b from a.go\n\timports a from b.go: import cycle not allowed"},
			false, false},
		{"embed", "emb/m.go:3:12: pattern nothing.txt: no matching files found\n",
			[]string{"|emb/m.go|3:12|pattern nothing.txt: no matching files found"}, false, false},
		{"link", "# a\nmain.main: relocation target main.f not defined\nmain.g: relocation target main.h not defined\n",
			[]string{"a||0:0|main.main: relocation target main.f not defined\nmain.g: relocation target main.h not defined"},
			false, false},
		{"no main", "# a\nruntime.main_main·f: function main is undeclared in the main package\n",
			[]string{"a||0:0|runtime.main_main·f: function main is undeclared in the main package"}, false, false},
		{"go.mod", "go: errors parsing go.mod:\ngo.mod:4: unknown directive: requir\n",
			[]string{"||0:0|go: errors parsing go.mod:", "|go.mod|4:0|unknown directive: requir"}, false, false},
		{"cgo", "# a\ncgo: \ngcc errors for preamble:\ncg/m.go: In function 'f':\ncg/m.go:3:17: error: 'x' undeclared\n" +
			"    3 | int f(){ return x; }\n      |    ^\ncg/m.go:3:17: note: once\n\n",
			[]string{"a|cg/m.go|3:17|error: 'x' undeclared\n    3 | int f(){ return x; }\n      |    ^\n" +
				"cg/m.go:3:17: note: once"}, false, false},
		{"vet", "# a\nvet: ./m.go:3:4: x\n", []string{"a|m.go|3:4|x"}, false, false},
		{"test variant", "# a [a.test]\n./m.go:3:4: x\n", []string{"a|m.go|3:4|x"}, false, false},
		{"progress", "go: downloading x.org/y v1.0.0\n# a\n./m.go:3:4: x\n", []string{"a|m.go|3:4|x"}, false, false},
		{"disk", "# a\n/usr/go/compile: writing output: write $WORK/b001/_pkg_.a: no space left on device\n",
			[]string{"a||0:0|/usr/go/compile: writing output: write $WORK/b001/_pkg_.a: no space left on device"},
			false, true},
		{"blank in a file name", "# a\nmy dir/m.go:3:4: x\n", []string{"a|my dir/m.go|3:4|x"}, false, false},
		{"carriage returns", "# a\r\n./m.go:3:4: x\r\n\thave y\r\n", []string{"a|m.go|3:4|x\n\thave y"}, false, false},
		{"nothing", "", nil, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := diagnose(dir, c.text, false)
			equal(t, "text", e.Text, c.text)
			if e.More != c.more || e.DiskFull != c.full {
				t.Errorf("more %v full %v, want %v %v", e.More, e.DiskFull, c.more, c.full)
			}
			if len(e.Diagnostics) != len(c.want) {
				t.Fatalf("have %q\nwant %q", e.Diagnostics, c.want)
			}
			for i, d := range e.Diagnostics {
				equal(t, "diagnostic", d, wanted(dir, c.want[i]))
			}
			if e.Error() == "" {
				t.Error("no words")
			}
		})
	}
}

func wanted(dir, line string) Diagnostic {
	parts := strings.SplitN(line, "|", 4)
	d := Diagnostic{Package: parts[0], Text: parts[3]}
	if parts[1] != "" {
		d.File = filepath.Join(dir, filepath.FromSlash(parts[1]))
		_, d.Line, d.Col, _ = position("x:" + strings.TrimSuffix(parts[2], ":0"))
	}
	return d
}

func TestChattyBuildShowsPlacesOnly(t *testing.T) {
	e := diagnose("/src", "WORK=/tmp/x\nmkdir -p $WORK/b001/\nexample.com/a\n# example.com/a\n./m.go:1:2: x\n", true)
	if len(e.Diagnostics) != 1 || e.Diagnostics[0].Line != 1 {
		t.Errorf("have %q", e.Diagnostics)
	}
}

func TestPositionWithDriveLetter(t *testing.T) {
	for _, c := range []struct {
		text      string
		line, col int
		ok        bool
	}{
		{`C:\src\main.go:3:4`, 3, 4, true},
		{"main.go:3", 3, 0, true},
		{"main.go", 0, 0, false},
		{"", 0, 0, false},
	} {
		_, line, col, ok := position(c.text)
		if line != c.line || col != c.col || ok != c.ok {
			t.Errorf("%q: %d %d %v", c.text, line, col, ok)
		}
	}
}
