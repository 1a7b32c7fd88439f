package gobuild

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"hash/maphash"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fingerprint represents everything read by `go list` in a file: package clause, imports, build constraints, //go:embed
// lines, the preamble of import "C"; in files of other languages, the build constraints. A fingerprint is valid within
// one process.
type fingerprint uint64

// broken is the fingerprint of a file that cannot be read, or whose header does not parse. broken differs from every
// fingerprint, even from itself.
const broken fingerprint = 0

var seed = maphash.MakeSeed()

// headerOf reads the file and returns its fingerprint.
func headerOf(path string) fingerprint {
	source, err := os.ReadFile(path)
	if err != nil {
		return broken
	}
	if filepath.Ext(path) != ".go" {
		return sum(constraints(source, nil))
	}
	return goHeader(source)
}

func goHeader(source []byte) fingerprint {
	frame, imports := goFrame(source)
	if frame == broken {
		return broken
	}
	return sum(fmt.Appendf(nil, "%x %q", frame, imports))
}

// goFrame returns the fingerprint without the imports; and the imports, sorted, each once. The name by which a file
// imports a package does not matter to go.
func goFrame(source []byte) (frame fingerprint, imports []string) {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return broken, nil
	}
	header := constraints(source[:file.Package-1], nil)
	header = append(header, file.Name.Name...)
	embedding := false
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return broken, nil
		}
		imports = append(imports, path)
		embedding = embedding || path == "embed"
	}
	slices.Sort(imports)
	imports = slices.Compact(imports)
	if bytes.Contains(source, []byte(`"C"`)) {
		// The preamble is the comment above import "C". To take all comments up to the last import adds little.
		for _, group := range file.Comments {
			if group.Pos() > file.Name.End() {
				for _, comment := range group.List {
					header = append(append(header, 0), comment.Text...)
				}
			}
		}
	}
	if embedding {
		header = embedLines(source, header)
	}
	return sum(header), imports
}

// constraints appends the build constraints among the lines of source.
func constraints(source, header []byte) []byte {
	for line := range bytes.Lines(source) {
		line = bytes.TrimSpace(line)
		if rest, ok := bytes.CutPrefix(line, []byte("//")); ok {
			rest = bytes.TrimSpace(rest)
			if bytes.HasPrefix(rest, []byte("go:build")) || bytes.HasPrefix(rest, []byte("+build")) {
				header = append(append(header, line...), '\n')
			}
		}
	}
	return header
}

// embedLines appends the //go:embed lines of source. Such a line inside a comment or string only costs a needless load.
func embedLines(source, header []byte) []byte {
	for line := range bytes.Lines(source) {
		if line = bytes.TrimSpace(line); bytes.HasPrefix(line, []byte("//go:embed")) {
			header = append(append(header, '\n'), line...)
		}
	}
	return header
}

func sum(header []byte) fingerprint {
	f := fingerprint(maphash.Bytes(seed, header))
	if f == broken {
		f++
	}
	return f
}

// ReadBefore reads files on all processors, and returns what read returns for each. A file written after asked is not
// read, and has the zero value.
func ReadBefore[T any](paths []string, asked time.Time, read func(path string) T) []T {
	found := make([]T, len(paths))
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() { // ends with its share of the files; waited for below
			for i := w; i < len(paths); i += workers {
				if info, err := os.Stat(paths[i]); err == nil && info.ModTime().Before(asked) {
					found[i] = read(paths[i])
				}
			}
		})
	}
	group.Wait()
	return found
}

// takeHeaders reads the fingerprints of the editable local files, on all processors. If a file was written after go was
// asked, go may have read the old or the new content. Such a file is recorded as broken, so the event of the write
// renews the graph.
func (g *Graph) takeHeaders(asked time.Time) {
	var paths []string
	for path, e := range g.files {
		if (e.kind == Compiled || e.kind == Excluded) && e.pkg >= 0 && !g.Local[e.pkg].Vendored &&
			isSource(filepath.Base(path)) && !strings.HasSuffix(path, ".syso") {
			paths = append(paths, path)
		}
	}
	found := ReadBefore(paths, asked, headerOf)
	g.headers = make(map[string]fingerprint, len(paths))
	for i, path := range paths {
		g.headers[path] = found[i]
	}
}
