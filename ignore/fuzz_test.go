package ignore

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bmatcuk/doublestar/v4"
)

// fuzzSeeds are rule files and paths with a known or likely difficulty.
var fuzzSeeds = []struct{ rules, path string }{
	{"*.log\n!keep.log\n/d/\n", "d/keep.log"},
	{"/foo**/**/**\\/x[a-\n", "foobar/x"},
	{"a/**/b/**/c/**/d", "a/b/c/b/c/d"},
	{"*a*a*a*a*a*a*a*a*a*a*a*ab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	{"**/a/**/a/**/a/**/a/**/a/**/b", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"},
	{"/{{{{{{a,b},c},d},e},f},g}*", "{{{{{{a,b},c},d},e},f},g}x"},
	{"[[:alpha:][:digit:]]\\\r\n[]]", "]"},
	{"\\", "\\"},
	{"[!\\-\xff]\n?[^a-\xc3]/", "\xc3\xa9/x\n"},
	{"!\n!!\n!/\n//\n\\ \n", "a b"},
}

// FuzzMatch looks for panics, for answers against the package's promises, and for slow patterns.
func FuzzMatch(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s.rules, s.path, true)
		f.Add(s.rules, s.path, false)
	}
	top, sub := filepath.FromSlash("/r"), filepath.FromSlash("/r/a")
	f.Fuzz(func(t *testing.T, content, path string, isDir bool) {
		for _, layer := range []layer{layerUser, layerGit} {
			rs, _ := parseFile(content, "f", layer)
			for _, r := range rs {
				for _, glob := range r.pattern.globs {
					if !doublestar.ValidatePattern(glob) {
						t.Errorf("%q became %q, which is not valid", r.Text, glob)
					}
				}
			}
			outer := &folder{path: slashed(top), repo: true}
			inner := &folder{path: slashed(sub), parent: outer}
			m := &Matcher{tops: []*folder{outer}, folders: map[string]*folder{outer.path: outer, inner.path: inner}}
			if layer == layerUser {
				outer.user, inner.user = rs, rs
			} else {
				outer.git, inner.git = rs, rs
			}
			for _, prefix := range []string{top, sub, ""} {
				p := filepath.Join(prefix, path)
				start := time.Now()
				got := m.Match(p, isDir)
				if d := time.Since(start); d > time.Second {
					t.Errorf("Match(%q) took %v", p, d)
				}
				if again := m.Match(p, isDir); again != got {
					t.Errorf("Match(%q) says %+v, then %+v", p, got, again)
				}
				if got.Ignored && (got.Rule == nil || got.Rule.Negated) {
					t.Errorf("Match(%q) is ignored by the rule %v", p, got.Rule)
				}
				below := m.Match(filepath.Join(p, "x"), false)
				if m.Match(p, true).Ignored && !below.Ignored && strings.HasPrefix(p, top) {
					t.Errorf("%q is ignored, but not what is below", p)
				}
			}
		}
	})
}

// TestFuzzSeedsAgainstGit asks git about the seeds, and about the same paths under each other's rules.
func TestFuzzSeedsAgainstGit(t *testing.T) {
	repo := newGitRepo(t)
	var paths []string
	for i, rules := range fuzzSeeds {
		folder := fmt.Sprintf("seed%d", i)
		writeFile(t, filepath.Join(repo.root, folder, gitignore), rules.rules)
		for _, s := range fuzzSeeds {
			paths = append(paths, folder+"/"+s.path)
		}
	}
	m := mustLoad(t, nil, Options{Trees: []string{repo.root}})
	for i, want := range repo.verdicts(paths) {
		if have := verdictOf(m, repo.root, paths[i], false); have != want {
			t.Errorf("path %q\nhave %s\nwant %s", paths[i], have, want)
		}
	}
}

// TestLongPatterns: no rule file may hang hotreload.
func TestLongPatterns(t *testing.T) {
	long := strings.Repeat("a", 4000)
	deep := strings.Repeat("a/", 2000) + "a"
	for _, c := range []struct{ name, rule, path string }{
		{"stars", strings.Repeat("*a", 1500) + "b", long},
		{"stars in a path", "/x/" + strings.Repeat("a*", 1500) + "b", "x/" + long},
		{"two stars", strings.Repeat("**/a/", 700) + "b", deep},
		{"both", strings.Repeat("**/*a*/", 500) + "b", deep},
		{"two stars after a name", "a" + strings.Repeat("**/", 30000) + "b", deep},
		{"braces", strings.Repeat("{a,", 3000) + "*", long},
		{"brackets", strings.Repeat("[!b]*", 800) + "b", long},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, _ := parseFile(c.rule, "f", layerUser)
			m := &Matcher{tops: []*folder{{path: "/r", user: rs}}}
			start := time.Now()
			m.Match("/r/"+c.path, false)
			if d := time.Since(start); d > 5*time.Second { // milliseconds, in fact
				t.Errorf("took %v", d)
			}
			t.Log(time.Since(start))
		})
	}
}
