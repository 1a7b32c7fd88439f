package ignore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommentsTellTheTruth checks the promises in the comments of our own rule files. Above the rules stand two lines,
//
//	# ignores: paths that the rules ignore
//	# keeps:   paths that they do not ignore
//
// with paths separated by spaces; a path with a slash at the end is a folder. The rules are those up to the next blank
// line or comment. One of these rules must be the reason for ignoring a path, and, if there is a "!" rule, for keeping
// a path. All rules of the file count.
func TestCommentsTellTheTruth(t *testing.T) {
	for _, file := range []string{"builtin.reloadignore", filepath.Join("..", ".reloadignore.example")} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rs, errs := parseFile(string(content), file, layerUser)
		for _, err := range errs {
			t.Error(err)
		}
		m := &Matcher{tops: []*folder{{path: "/r", user: rs}}}
		checked := 0
		for _, p := range readPromises(t, string(content)) {
			checked += len(p.rules)
			negated := false
			for _, r := range rs {
				negated = negated || r.Negated && p.rules[r.Line]
			}
			check := func(path string, ignored bool) {
				got := m.Match("/r/"+strings.TrimSuffix(path, "/"), strings.HasSuffix(path, "/"))
				if got.Ignored != ignored {
					t.Errorf("%s, rules above line %d: %s is ignored: %v, want %v (by %v)", file, p.end, path,
						got.Ignored, ignored, got.Rule)
				}
				if (ignored || negated) && (got.Rule == nil || !p.rules[got.Rule.Line]) {
					t.Errorf("%s, rules above line %d: they do not decide about %s, but %v", file, p.end, path,
						got.Rule)
				}
			}
			for _, path := range p.ignores {
				check(path, true)
			}
			for _, path := range p.keeps {
				check(path, false)
			}
		}
		if checked != len(rs) {
			t.Errorf("%s: %d of %d rules say what they do", file, checked, len(rs))
		}
	}
}

// promise is a comment's statement about the rules below it.
type promise struct {
	ignores, keeps []string
	rules          map[int]bool // the lines of these rules
	end            int
}

func readPromises(t *testing.T, content string) []promise {
	var all []promise
	p := promise{rules: map[int]bool{}}
	finish := func(line int) {
		if len(p.rules) > 0 && len(p.ignores)+len(p.keeps) > 0 {
			p.end = line
			all = append(all, p)
		}
		if len(p.rules) > 0 {
			p = promise{rules: map[int]bool{}}
		}
	}
	lines := strings.Split(content, "\n")
	for i, line := range lines {
		comment, isComment := strings.CutPrefix(line, "#")
		if isComment || line == "" {
			finish(i + 1)
		}
		word, paths, _ := strings.Cut(strings.TrimSpace(comment), ":")
		switch {
		case isComment && word == "ignores":
			p.ignores = append(p.ignores, strings.Fields(paths)...)
		case isComment && word == "keeps":
			p.keeps = append(p.keeps, strings.Fields(paths)...)
		case !isComment && line != "":
			p.rules[i+1] = true
		}
	}
	finish(len(lines))
	if len(all) == 0 {
		t.Error("no promise found")
	}
	return all
}

// TestBuiltinIsAboutNames: built-in rules have no folder, so a slash at the beginning or inside would have no meaning.
func TestBuiltinIsAboutNames(t *testing.T) {
	for _, r := range builtin() {
		if k := r.pattern.kind; k != matchName && k != matchSuffix && k != matchNameGlob || r.Negated {
			t.Errorf("%v", &r)
		}
	}
}

// TestServersFilesAreKept: files for servers are not ignored.
func TestServersFilesAreKept(t *testing.T) {
	m, _ := Load(nil, Options{})
	for _, name := range []string{"main.go", "go.mod", "index.tmpl", "page.gohtml", ".env", ".env.local", "app.db",
		"app.sqlite", "x.test",
		"testdata", "vendor", "tmp", "bin", "build", "dist", "logo.swf", "data.bak", "tls.crt", ".well-known",
		".air.toml", "hotreload.toml",
		".reloadignore", ".gitignore", "x.orig", "1234", "a~b", "config.toml", "_index.html", "__init__.py", "4914"} {
		for _, isDir := range []bool{false, true} {
			if got := m.Match("/x/"+name, isDir); got.Rule != nil {
				t.Errorf("%s is ignored by %v", name, got.Rule)
			}
		}
	}
}
