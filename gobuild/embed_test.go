package gobuild

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestEmbeds(t *testing.T) {
	for _, c := range []struct {
		patterns, path string
		want           bool
	}{
		{"a.txt", "a.txt", true},
		{"a.txt", "b.txt", false},
		{"a.txt", "sub/a.txt", false},
		{"*.html", "x.html", true},
		{"*.html", "sub/x.html", false},
		{"web", "web/a", true},
		{"web", "web/a/b/c", true},
		{"web", "web", true},
		{"web", "webb/a", false},
		{"web", "web/.a", false},
		{"web", "web/_x/a", false},
		{"all:web", "web/_x/.a", true},
		{"web/*", "web/.a", true}, // matched itself, not by a folder
		{"web/*", "web/x/.a", false},
		{"t/*/x.tmpl", "t/a/x.tmpl", true},
		{"t/*/x.tmpl", "t/x.tmpl", false},
		{"a b", "b|b", false},
		{"x|y", "y", true},
		{"a.txt", "../a.txt", false},
		{"[ab].txt", "b.txt", true},
	} {
		if have := embeds("/m/p", strings.Split(c.patterns, "|"), filepath.Join("/m/p", c.path)); have != c.want {
			t.Errorf("%s takes %s: %v, want %v", c.patterns, c.path, have, c.want)
		}
	}
}

func TestEmbedDirs(t *testing.T) {
	dir := tree(t, "-- p/web/a/b/x --\n-- p/web/.git/x --\n-- p/web/other/go.mod --\n-- p/t/one/x.tmpl --\n"+
		"-- p/t/two/y --\n-- p/s.txt --\n")
	for _, c := range []struct{ pattern, want string }{
		{"s.txt", ""},
		{"web", "p/web|p/web/a|p/web/a/b"},
		{"all:web", "p/web|p/web/.git|p/web/a|p/web/a/b"},
		{"t/*/x.tmpl", "p/t|p/t/one|p/t/two"},
		{"t/*.tmpl", "p/t"},
		{"nothing/*", ""},
	} {
		equal(t, c.pattern, under(dir, embedDirs(filepath.Join(dir, "p"), []string{c.pattern})), fields(c.want))
	}
}

func TestMissingFolders(t *testing.T) {
	dir := tree(t, "-- p/web/x --\n")
	for _, c := range []struct{ pattern, want string }{
		{"web", ""},
		{"web/*.html", ""},
		{"*.html", ""},
		{"all:dist", "p/dist"},
		{"web/out/*.js", "p/web/out"},
		{"dist*/x", ""},
	} {
		equal(t, c.pattern, under(dir, missingFolders(filepath.Join(dir, "p"), []string{c.pattern})), fields(c.want))
	}
}
