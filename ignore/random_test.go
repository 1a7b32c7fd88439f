package ignore

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
)

var (
	seed  = flag.Uint64("seed", 1, "seed of the random rules that are compared with git")
	trees = flag.Int("trees", 400, "number of random sets of rules that are compared with git")
)

const pathsPerTree = 20

// TestRandomAgainstGit makes small trees with random rules in up to three nested .gitignore files, and compares our
// answers about random paths with git's. The alphabet is small, so rules and paths often meet.
func TestRandomAgainstGit(t *testing.T) {
	repo := newGitRepo(t)
	g := generator{rand.New(rand.NewPCG(*seed, 0))}
	var paths []string
	var isDir []bool
	files := map[string]string{}
	n := *trees
	if testing.Short() {
		n = max(1, n/10)
	}
	for i := range n {
		tree := fmt.Sprintf("tree%d", i)
		var asked []string
		for range pathsPerTree {
			asked = append(asked, g.path(1+g.IntN(4)))
		}
		for _, dir := range []string{"", g.path(1), g.path(2)}[:1+g.IntN(3)] {
			file := filepath.Join(tree, dir, gitignore)
			files[file] = g.file(asked)
			writeFile(t, filepath.Join(repo.root, file), files[file])
		}
		for _, path := range asked {
			dir := g.IntN(2) == 0
			if dir {
				makeDir(t, filepath.Join(repo.root, tree, path))
			}
			paths = append(paths, tree+"/"+path)
			isDir = append(isDir, dir)
		}
	}
	for i, path := range paths { // a later path may lie below this one
		isDir[i] = isDir[i] || exists(filepath.Join(repo.root, path))
	}
	m, errs := Load(nil, Options{Trees: []string{repo.root}})
	for _, err := range errs {
		t.Error(err)
	}
	spoke, failed := 0, 0
	for i, want := range repo.verdicts(paths) {
		if want != "kept" {
			spoke++
		}
		if have := verdictOf(m, repo.root, paths[i], isDir[i]); have != want && failed < 10 {
			failed++
			tree, _, _ := strings.Cut(paths[i], "/")
			t.Errorf("path %q, folder: %v\nhave %s\nwant %s", paths[i], isDir[i], have, want)
			for file, content := range files {
				if strings.HasPrefix(file, tree+string(filepath.Separator)) {
					t.Logf("%s: %q", file, content)
				}
			}
		}
	}
	t.Logf("%d paths, a rule spoke of %d", len(paths), spoke)
	if spoke < len(paths)/4 {
		t.Errorf("rules spoke of %d of %d paths only: this proves little", spoke, len(paths))
	}
}

type generator struct{ *rand.Rand }

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) path(depth int) string {
	names := make([]string, depth)
	for i := range names {
		names[i] = g.one("a", "b", "c", "ab", "abc", "a.c", "b.c", "ba", "x{a}", "é", "a b", "[a]", "!a", "#a", "-",
			"A", "5", `a\b`)
	}
	return strings.Join(names, "/")
}

// file makes rules: some are new, most are generalized from a path of the test.
func (g generator) file(asked []string) string {
	var out strings.Builder
	for range 1 + g.IntN(5) {
		out.WriteString(g.one("", "", "", "!"))
		if g.IntN(3) == 0 {
			out.WriteString(g.one("", "", "/"))
			for range 1 + g.IntN(6) {
				out.WriteString(g.token())
			}
		} else {
			out.WriteString(g.generalize(g.one(asked...)))
		}
		out.WriteString(g.one("", "", "", "/", " ", `\ `, "\r", "/**"))
		out.WriteString("\n")
	}
	return out.String()
}

func (g generator) generalize(path string) string {
	names := strings.Split(path, "/")
	from := g.IntN(len(names))
	names = names[from : from+1+g.IntN(len(names)-from)]
	for i, name := range names {
		switch g.IntN(6) {
		case 0:
			names[i] = g.one("*", "**", "*", "***", name+"/**", "**/"+name, name+"**")
		case 1:
			cut := g.IntN(len(name) + 1)
			names[i] = name[:cut] + g.one("*", "**", "*?", "?*") + name[min(cut+g.IntN(3), len(name)):]
		case 2:
			cut := g.IntN(len(name))
			names[i] = name[:cut] + g.one("?", g.bracket(), "["+name[cut:cut+1]+"]", "[!/]", `\`+name[cut:cut+1]) +
				name[cut+1:]
		}
	}
	return g.one("", "", "/", "**/") + strings.Join(names, g.one("/", "/", "/", "/**/", `\/`, "**/"))
}

func (g generator) token() string {
	switch g.IntN(10) {
	case 0, 1, 2, 3:
		return g.one("a", "b", "c", "ab", ".c", "a.c", "é", " ", "{a}", "{", "}", ",", "-", "!", "#", "A", "5")
	case 4, 5:
		return g.one("/", "/", "/", `\/`, "//")
	case 6:
		return g.one("*", "?", "*", "\xc3")
	case 7:
		return g.one("**", "**/", "/**/", "***", "**/**/", `**\/`)
	case 8:
		return `\` + g.one("a", "*", "[", "?", `\`, "{", "#", "!", "")
	}
	return g.bracket()
}

func (g generator) bracket() string {
	out := "[" + g.one("", "", "!", "^") + g.one("", "", "", "]")
	for range 1 + g.IntN(3) {
		out += g.one("a", "b", "c", "a-c", "-", "c-a", "/", `\]`, `\a`, "a-\\c", "[:alpha:]", "[:digit:]", "[:",
			"[:x:]", "[", "\xc3-\xff", "{", ",", "^", "!", "*", "?")
	}
	return out + g.one("]", "]", "]", "]", "")
}
