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

// fingerprint stands for what `go list` reads of a file: package clause, imports, build constraints, //go:embed lines,
// the preamble of import "C"; of files in other languages, the build constraints. It is good within one process.
type fingerprint uint64

// broken is the fingerprint of a file that cannot be read or whose header does not parse: it is like no other, not even
// like itself.
const broken fingerprint = 0

var seed = maphash.MakeSeed()

// headerOf reads the file and takes its fingerprint.
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

// goFrame is what a fingerprint stands for, imports aside, and the imports, sorted, each once. By what name a package is
// imported is of no interest to go.
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
		// The preamble is the comment above import "C"; all comments up to the last import are little more.
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

// constraints appends the lines of source that are build constraints.
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

// embedLines appends the lines of source that say what to embed. One within a comment or string costs a load too many.
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

// headers takes the fingerprints of the local files that may be edited, all processors at work. A file written
// since the graph was asked for may have been read by go before or after: it is remembered as broken, so that the
// event that its writing causes renews the graph.
func (g *Graph) takeHeaders(asked time.Time) {
	var paths []string
	for path, e := range g.files {
		if (e.kind == Compiled || e.kind == Excluded) && e.pkg >= 0 && !g.Local[e.pkg].Vendored &&
			isSource(filepath.Base(path)) && !strings.HasSuffix(path, ".syso") {
			paths = append(paths, path)
		}
	}
	found := make([]fingerprint, len(paths))
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() { // ends with its share of the files; waited for below
			for i := w; i < len(paths); i += workers {
				if info, err := os.Stat(paths[i]); err == nil && info.ModTime().Before(asked) {
					found[i] = headerOf(paths[i])
				}
			}
		})
	}
	group.Wait()
	g.headers = make(map[string]fingerprint, len(paths))
	for i, path := range paths {
		g.headers[path] = found[i]
	}
}
