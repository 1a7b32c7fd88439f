//go:build unix

package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// marked is a source file with an added function, BenchText, whose result the program's answers show.
type marked struct {
	file string // relative to the module
	head string // package clause and imports
	tail string // the rest of the original file
	variant
}

// variant is the current state of the function and of the lines around it.
type variant struct {
	mark                        string // result of BenchText
	lines, functions            int    // number of added lines and functions
	importing, importingAnother int    // index of the added import, among linked and others; 0: none
}

// newMarked reads the file of the module in dir.
func newMarked(dir, file string) (*marked, error) {
	source, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, "", source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	end := parsed.Name.End()
	for _, d := range parsed.Decls {
		if len(parsed.Imports) > 0 && d.Pos() <= parsed.Imports[len(parsed.Imports)-1].Pos() {
			end = d.End()
		}
	}
	at := set.Position(end).Offset
	at += strings.Index(string(source[at:])+"\n", "\n") // with a comment at the end of the line
	return &marked{file: file, head: string(source[:at]), tail: string(source[at:]),
		variant: variant{mark: "begin."}}, nil
}

// source returns the current content of the file. BenchText is too large for inlining, like most functions that people
// edit.
func (m *marked) source() []byte {
	var b strings.Builder
	b.WriteString(m.head + "\n")
	uses := ""
	for i, typ := range []string{pick(linked, m.importing), pick(others, m.importingAnother)} {
		if typ != "" {
			dot := strings.LastIndex(typ, ".")
			fmt.Fprintf(&b, "\nimport bench%d %q\n", i, typ[:dot])
			uses += fmt.Sprintf("\nvar _ *bench%d%s\n", i, typ[dot:])
		}
	}
	fmt.Fprintf(&b, "%s\n// BenchText is what answers show.\nfunc BenchText() string {\n"+
		"\tsaid := []string{}\n\tdefer func() { said = nil }()\n", uses)
	for i := range m.lines {
		fmt.Fprintf(&b, "\tsaid = append(said, \"line %d\")\n", i)
	}
	fmt.Fprintf(&b, "\tsaid = append(said, %q)\n\treturn said[len(said)-1]\n}\n", m.mark)
	for i := range m.functions {
		fmt.Fprintf(&b, "\n// BenchAdded%d is new.\nfunc BenchAdded%d(x int) int { return x * %d }\n", i, i, i)
	}
	b.WriteString(m.tail)
	return []byte(b.String())
}

// pick returns the i-th entry, counted from 1 and again from the beginning after the last; "" for 0.
func pick(list []string, i int) string {
	if i == 0 {
		return ""
	}
	return list[(i-1)%len(list)]
}

// linked are types from packages that are part of every HTTP server, others from packages that are part of few.
var (
	linked = []string{"strings.Builder", "bytes.Buffer", "bufio.Reader", "sync.Mutex", "time.Time", "os.File",
		"net/url.URL", "sort.IntSlice",
		"net/textproto.Reader", "mime/multipart.Form", "crypto/tls.Config", "net/http.Request", "math/big.Int",
		"bufio.Writer", "io.PipeReader"}
	others = []string{"encoding/csv.Reader", "text/tabwriter.Writer", "container/ring.Ring",
		"index/suffixarray.Index", "image/color.RGBA",
		"text/scanner.Scanner", "archive/tar.Reader", "encoding/gob.Encoder", "debug/plan9obj.File",
		"net/rpc.Client", "encoding/ascii85.CorruptInputError",
		"image.Point", "debug/dwarf.Data", "log/syslog.Writer", "image/gif.GIF"}
)

// edit is a kind of edit, of the file in the package with hardly any importers, or of the one in the package that most
// others import.
type edit struct {
	name   string
	deep   bool
	change func(v *variant)
	limit  float64 // allowed ratio to the time of go build, at the median, if programs are patched
}

// edits returns the edits in the order of a round. Every edit gives the function another word, too.
func edits(p benched) []edit {
	nothing := func(*variant) {}
	lines := func(v *variant) { v.lines++ }
	function := func(v *variant) { v.functions++ }
	importing := func(v *variant) { v.importing++ }
	another := func(v *variant) { v.importingAnother++ }
	if p.leaf == p.deep {
		return []edit{
			{"a body", true, nothing, 0.25},
			{"a body, with lines added", true, lines, 0.25},
			{"a new exported function", true, function, 1},
			{"a new import of a linked package", true, importing, 1},
			{"a new import of another package", true, another, 1},
		}
	}
	return []edit{
		{"a body in a leaf package", false, nothing, 0.3},
		{"a body in the deepest package", true, nothing, 0.1},
		{"the same, with lines added", true, lines, 0.15},
		{"a new exported function there", true, function, 1},
		{"a new import of a linked package there", true, importing, 1},
		{"a new import of another package there", true, another, 1},
	}
}
