package ignore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// layers has a case for each effect of one layer on another. Files are written below a repository's root; a path with a
// slash at the end is a folder. by is file:line of the deciding rule.
var layers = []struct {
	name     string
	files    map[string]string
	opts     Options
	path     string
	ignored  bool
	by       string
	explicit bool
}{
	{"nobody speaks", nil, Options{}, "main.go", false, "", false},
	{"built-in", nil, Options{}, "x/.main.go.swp", true, "built-in", false},
	{"git over built-in", files{gitignore: "!*.tmp"}, Options{}, "a.tmp", false, ".gitignore:1", false},
	{"user over built-in", files{reloadignore: "!*.tmp"}, Options{}, "a.tmp", false, ".reloadignore:1", true},
	{"user over git, keeps", files{gitignore: "*.css", reloadignore: "!*.css"}, Options{}, "a.css", false,
		".reloadignore:1", true},
	{"user over git, ignores", files{gitignore: "!*.css", reloadignore: "*.css"}, Options{}, "a.css", true,
		".reloadignore:1", true},
	{"user at the root over git deeper", files{"x/.gitignore": "!a", reloadignore: "a"}, Options{}, "x/a", true,
		".reloadignore:1", true},
	{"user is silent", files{gitignore: "*.css", reloadignore: "*.js"}, Options{}, "a.css", true,
		".gitignore:1", false},
	{"command line over user", files{reloadignore: "a"}, Options{Extra: []string{"!a"}}, "a", false,
		"--ignore:1", true},
	{"command line over nested", files{"x/.reloadignore": "!a"}, Options{Extra: []string{"b", "a"}}, "x/a",
		true, "--ignore:2", true},
	{"command line anchored", nil, Options{Extra: []string{"/a"}}, "x/a", false, "", false},
	{"command line has no comments", nil, Options{Extra: []string{"#a"}}, "#a", true, "--ignore:1", true},
	{"info/exclude", files{".git/info/exclude": "a"}, Options{}, "x/a", true, ".git/info/exclude:1", false},
	{".gitignore over info/exclude", files{".git/info/exclude": "a", gitignore: "!a"}, Options{}, "a", false,
		".gitignore:1", false},
	{"no gitignore", files{gitignore: "a", ".git/info/exclude": "a"}, Options{NoGitignore: true}, "a", false,
		"", false},
	{"no gitignore, user stays", files{gitignore: "!a", reloadignore: "a"}, Options{NoGitignore: true}, "a",
		true, ".reloadignore:1", true},

	{"folder closed by git stays closed", files{gitignore: "dist/", reloadignore: "!*.css"}, Options{},
		"dist/a.css", true, ".gitignore:1", false},
	{"folder closed by built-in stays closed", files{reloadignore: "!*.js"}, Options{}, "node_modules/a.js",
		true, "built-in", false},
	{"folder opened by user", files{gitignore: "dist/", reloadignore: "!dist/"}, Options{}, "dist/a.css", false,
		"", false},
	{"folder opened, others in it", files{gitignore: "dist/\n*.map", reloadignore: "!dist/"}, Options{},
		"dist/a.map", true, ".gitignore:2", false},
	{"one file of a closed folder", files{gitignore: "dist/", reloadignore: "!/dist/\n/dist/*\n!/dist/a.css"},
		Options{}, "dist/a.css", false, ".reloadignore:3", true},
	{"one file of a closed folder, others",
		files{gitignore: "dist/", reloadignore: "!/dist/\n/dist/*\n!/dist/a.css"}, Options{}, "dist/b.css",
		true, ".reloadignore:2", true},
	{"closed by git, named by user", files{gitignore: "gen/", reloadignore: "*_mock.go"}, Options{},
		"gen/a_mock.go", true, ".reloadignore:1", true},
	{"closed by git, folder in it named by user", files{gitignore: "gen/", reloadignore: "mocks/\n!*.go"},
		Options{}, "gen/mocks/a.go", true, ".reloadignore:1", true},
	{"closed by user is closed", files{gitignore: "!gen/a", reloadignore: "gen/"}, Options{}, "gen/a", true,
		".reloadignore:1", true},
	{"rules in a closed folder do not count", files{gitignore: "gen/", "gen/.reloadignore": "*"}, Options{},
		"gen/a", true, ".gitignore:1", false},

	{".git is not brought back by git", files{gitignore: "!.*"}, Options{}, ".git/index", true, "built-in", false},
	{"other dot files are", files{gitignore: "!.*"}, Options{}, ".DS_Store", false, ".gitignore:1", false},
	{".git is brought back by the user", files{reloadignore: "!.git"}, Options{}, ".git/HEAD", false, "", false},

	{"repository in the repository: outer .gitignore", files{gitignore: "a", "in/.git/HEAD": ""}, Options{},
		"in/a", false, "", false},
	{"repository in the repository: its own", files{"in/.gitignore": "a", "in/.git/HEAD": ""}, Options{},
		"in/a", true, "in/.gitignore:1", false},
	{"repository in the repository: its info/exclude", files{"in/.git/info/exclude": "a"}, Options{}, "in/x/a",
		true, "in/.git/info/exclude:1", false},
	{"repository in the repository: outer .reloadignore", files{reloadignore: "a", "in/.git/HEAD": ""},
		Options{}, "in/a", true, ".reloadignore:1", true},
	{"repository in the repository: folder named by outer user", files{reloadignore: "in", "in/.git/HEAD": ""},
		Options{}, "in/a", true, ".reloadignore:1", true},
	{"repository in an ignored folder, not given", files{gitignore: "/in", "in/.git/HEAD": ""}, Options{},
		"in/a", true, ".gitignore:1", false},
	{"repository that git ignores, given",
		files{gitignore: "/in", "in/.git/HEAD": "", "in/x/.reloadignore": "a"}, Options{Trees: []string{"in"}},
		"in/x/a", true, "in/x/.reloadignore:1", true},
	{"repository that git ignores, given, root", files{gitignore: "/in", "in/.git/HEAD": ""},
		Options{Trees: []string{"in"}}, "in/", false, "", false},
}

func TestLayers(t *testing.T) {
	for _, c := range layers {
		t.Run(c.name, func(t *testing.T) {
			root := realTempDir(t)
			makeDir(t, filepath.Join(root, ".git"))
			for file, content := range c.files {
				writeFile(t, filepath.Join(root, file), content)
			}
			c.opts.Dir = root
			opts := c.opts
			opts.Trees = []string{root}
			for _, tree := range c.opts.Trees {
				opts.Trees = append(opts.Trees, filepath.Join(root, tree))
			}
			m := mustLoad(t, nil, opts)
			got := m.Match(filepath.Join(root, c.path), strings.HasSuffix(c.path, "/"))
			by := ""
			if got.Rule != nil {
				by = strings.SplitAfter(got.Rule.String(), ": ")[0]
				by = strings.TrimSuffix(filepath.ToSlash(strings.TrimPrefix(by, root+string(filepath.Separator))), ": ")
			}
			if c.by == "built-in" {
				by, _, _ = strings.Cut(by, ":")
			}
			if got.Ignored != c.ignored || by != c.by || got.Explicit() != c.explicit {
				t.Errorf("have ignored %v by %q, explicit %v\nwant ignored %v by %q, explicit %v",
					got.Ignored, by, got.Explicit(), c.ignored, c.by, c.explicit)
			}
		})
	}
}

type files = map[string]string

func TestMatchPath(t *testing.T) {
	root := realTempDir(t)
	writeFile(t, filepath.Join(root, "go.mod"), "")
	writeFile(t, filepath.Join(root, reloadignore), "/a/b/\n!*.go\n")
	m := mustLoad(t, []string{root}, Options{})
	for path, want := range map[string]string{"a/b/c/d": "a/b", "a/x.go": "a/x.go", "a/x": ""} {
		if want != "" {
			want = filepath.Join(root, want)
		}
		if have := m.Match(filepath.Join(root, path), false).Path; have != want {
			t.Errorf("%s: have %q, want %q", path, have, want)
		}
	}
}

// TestTops checks where rules begin to count, for a folder given to Load.
func TestTops(t *testing.T) {
	for _, c := range []struct {
		name    string
		files   []string // below a root with the .reloadignore "x"
		given   string
		ignored bool // is x in the given folder ignored: does the root's rule apply?
	}{
		{"repository", []string{".git/HEAD"}, "a/b", true},
		{"worktree: .git is a file", []string{".git"}, "a/b", true},
		{"workspace", []string{"go.work", "a/go.mod"}, "a/b", true},
		{"module", []string{"go.mod"}, "a/b", true},
		{"nearest module", []string{"go.mod", "a/go.mod"}, "a/b", false},
		{"nearest repository", []string{".git/HEAD", "a/.git/HEAD"}, "a/b", false},
		{"repository above modules", []string{".git/HEAD", "a/go.mod"}, "a/b", true},
		{"repository below a workspace", []string{"go.work", "a/.git/HEAD"}, "a/b", false},
		{"nothing", nil, "a/b", false},
		{"folder that does not exist", []string{"go.mod"}, "no/such", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := realTempDir(t)
			writeFile(t, filepath.Join(root, reloadignore), "x\n")
			makeDir(t, filepath.Join(root, "a/b"))
			for _, file := range c.files {
				writeFile(t, filepath.Join(root, file), "")
			}
			given := filepath.Join(root, c.given)
			m := mustLoad(t, []string{given}, Options{})
			if have := m.Match(filepath.Join(given, "x"), false).Ignored; have != c.ignored {
				t.Errorf("have %v, want %v", have, c.ignored)
			}
			if got := m.Match(given, true); got.Rule != nil {
				t.Errorf("the given folder is judged by %v", got.Rule)
			}
		})
	}
}

// TestOutermostTopCounts: the order of the given folders does not matter.
func TestOutermostTopCounts(t *testing.T) {
	root := realTempDir(t)
	for _, file := range []string{".git/HEAD", "in/.git/HEAD", "in/deep/.git/HEAD"} {
		writeFile(t, filepath.Join(root, file), "")
	}
	writeFile(t, filepath.Join(root, reloadignore), "x\n")
	given := []string{filepath.Join(root, "in/deep"), filepath.Join(root, "in"), filepath.Join(root, "other")}
	for range 3 {
		given = append(given[1:], given[0])
		m := mustLoad(t, given, Options{})
		if !m.Match(filepath.Join(root, "in/deep/x"), false).Ignored {
			t.Errorf("given %q, the rule of %s does not count", given, root)
		}
	}
}

func TestOutside(t *testing.T) {
	m, _ := Load(nil, Options{})
	for path, want := range map[string]bool{"/x/a.tmp": true, "/x/a.go": false, "/node_modules/a.go": false,
		"/": false, "": false, "4913": true} {
		if have := m.Match(filepath.FromSlash(path), false).Ignored; have != want {
			t.Errorf("%q: have %v, want %v", path, have, want)
		}
	}
}

// TestRootOfTheFileSystem: no other path ends in a slash.
func TestRootOfTheFileSystem(t *testing.T) {
	root := filepath.VolumeName(t.TempDir()) + string(filepath.Separator)
	m := mustLoad(t, nil, Options{Dir: root, Extra: []string{"/zz", "*.zzz"}})
	for _, path := range []string{"zz", "zz/a", "y/a.zzz"} {
		if !m.Match(root+filepath.FromSlash(path), false).Ignored {
			t.Errorf("%s: not ignored", path)
		}
	}
}

func TestErrors(t *testing.T) {
	root := realTempDir(t)
	writeFile(t, filepath.Join(root, "go.mod"), "")
	writeFile(t, filepath.Join(root, reloadignore), "[a\n*.log\n./b\nc//d\n!\ne\\\n[[:x:]]\n[/]\n../f\n")
	writeFile(t, filepath.Join(root, gitignore), "[a\n")
	makeDir(t, filepath.Join(root, "x", reloadignore))
	_, errs := Load([]string{"relative"}, Options{Trees: []string{root}, Extra: []string{"ok", "a["}, Dir: root})
	var have []string
	for _, err := range errs {
		have = append(have, strings.ReplaceAll(err.Error(), root+string(filepath.Separator), ""))
	}
	const dots = `a pattern begins at the folder of its file, "." and ".." have no meaning in it`
	want := []string{
		`ignore rules for folder "relative": the path is not absolute`,
		`--ignore:2: "a[" never matches: the bracket is not closed`,
		`.reloadignore:1: "[a" never matches: the bracket is not closed`,
		`.reloadignore:3: "./b" never matches: ` + dots,
		`.reloadignore:4: "c//d" never matches: there is an empty name between slashes`,
		`.reloadignore:5: "!" never matches: the pattern is empty`,
		`.reloadignore:6: "e\\" never matches: nothing follows the backslash`,
		`.reloadignore:7: "[[:x:]]" never matches: the bracket holds an unknown [:class:]`,
		`.reloadignore:8: "[/]" never matches: the bracket stands for no character at all`,
		`.reloadignore:9: "../f" never matches: ` + dots,
		`ignore rules: read ` + filepath.Join("x", reloadignore) + `: it is not a regular file`,
	}
	if !slices.Equal(have, want) {
		t.Errorf("have\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

// TestBadFileCostsNothingElse: the rules of other files count.
func TestBadFileCostsNothingElse(t *testing.T) {
	root := realTempDir(t)
	writeFile(t, filepath.Join(root, "go.mod"), "")
	writeFile(t, filepath.Join(root, reloadignore), "[a\n*.log\n")
	writeFile(t, filepath.Join(root, gitignore), strings.Repeat("# too much\n", maxSize/10))
	writeFile(t, filepath.Join(root, "x", reloadignore), "*.css\n")
	m, errs := Load([]string{filepath.Join(root, "x")}, Options{})
	if len(errs) != 2 {
		t.Errorf("have errors %q, want two", errs)
	}
	for _, path := range []string{"a.log", "x/a.css"} {
		if !m.Match(filepath.Join(root, path), false).Ignored {
			t.Errorf("%s: not ignored", path)
		}
	}
}

func TestUnreadable(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("no file is unreadable for this user")
	}
	root := realTempDir(t)
	writeFile(t, filepath.Join(root, "go.mod"), "")
	writeFile(t, filepath.Join(root, reloadignore), "*.log\n")
	if err := os.Chmod(filepath.Join(root, reloadignore), 0); err != nil {
		t.Fatal(err)
	}
	if _, errs := Load([]string{root}, Options{}); len(errs) != 1 || !errors.Is(errs[0], fs.ErrPermission) {
		t.Errorf("have errors %q, want one about permission", errs)
	}
}

// TestLinks: git refuses a .gitignore that is a link; a .reloadignore may be shared that way.
func TestLinks(t *testing.T) {
	root := realTempDir(t)
	writeFile(t, filepath.Join(root, "go.mod"), "")
	writeFile(t, filepath.Join(root, "shared"), "*.log\n")
	for _, name := range []string{reloadignore, gitignore} {
		if err := os.Symlink("shared", filepath.Join(root, name)); err != nil {
			t.Skip("this system makes no symbolic links: ", err)
		}
	}
	m, errs := Load([]string{root}, Options{})
	if len(errs) != 1 || !errors.Is(errs[0], errSymlink) {
		t.Errorf("have errors %q, want one about the link", errs)
	}
	if got := m.Match(filepath.Join(root, "a.log"), false); !got.Explicit() {
		t.Errorf("have %+v, want the rule of the linked .reloadignore", got)
	}
}

// TestWorktreeAndSubmodule: if .git is a file, git itself tells whether we found the right info/exclude.
func TestWorktreeAndSubmodule(t *testing.T) {
	repo := newGitRepo(t)
	lib := newGitRepo(t)
	lib.git(lib.root, nil, "commit", "-q", "--allow-empty", "-m", "x")
	repo.git(repo.root, nil, "submodule", "--quiet", "add", lib.root, "lib")
	repo.git(repo.root, nil, "commit", "-q", "-m", "x")
	tree := filepath.Join(realTempDir(t), "tree")
	repo.git(repo.root, nil, "worktree", "add", "-q", "--detach", tree)
	for _, dir := range []string{repo.root, tree, filepath.Join(repo.root, "lib")} {
		exclude := strings.TrimRight(string(repo.git(dir, nil, "rev-parse", "--path-format=absolute", "--git-path",
			"info/exclude")), "\n")
		if have := excludeFile(dir); have != filepath.FromSlash(exclude) {
			t.Errorf("%s: have %s, want %s", dir, have, exclude)
		}
	}
}

// TestFiles: the files whose change means new rules.
func TestFiles(t *testing.T) {
	root := realTempDir(t)
	for _, file := range []string{".git/HEAD", "a/b/.gitignore", "tree/x/.reloadignore", "tree/y/z",
		"no/.gitignore", "dir/sub/.gitignore"} {
		writeFile(t, filepath.Join(root, file), "")
	}
	writeFile(t, filepath.Join(root, gitignore), "/no/\n")
	var dirs []string
	for _, dir := range []string{"a/b", "no", "dir"} {
		dirs = append(dirs, filepath.Join(root, dir))
	}
	m := mustLoad(t, dirs, Options{Trees: []string{filepath.Join(root, "tree")}})
	var have []string
	for _, file := range m.Files() {
		rel, _ := filepath.Rel(root, file)
		have = append(have, filepath.ToSlash(rel))
	}
	want := []string{".git/info/exclude", ".gitignore", ".reloadignore", "a/.gitignore", "a/.reloadignore",
		"a/b/.gitignore",
		"a/b/.reloadignore", "dir/.gitignore", "dir/.reloadignore", "tree/.gitignore", "tree/.reloadignore",
		"tree/x/.reloadignore"}
	if !slices.Equal(have, want) {
		t.Errorf("have %q\nwant %q", have, want)
	}
	for path, want := range map[string]bool{
		".gitignore": true, "a/b/.reloadignore": true, ".git/info/exclude": true, "tree/y/.gitignore": true,
		"tree/new/.reloadignore": true,
		"no/.gitignore":          false, "dir/sub/.gitignore": false, "tree/y/z": false, ".git/HEAD": false,
		"tree/node_modules/m/.gitignore": false,
	} {
		if have := m.AffectedBy(filepath.Join(root, path)); have != want {
			t.Errorf("AffectedBy(%s): have %v, want %v", path, have, want)
		}
	}
	m = mustLoad(t, dirs, Options{NoGitignore: true, Trees: []string{filepath.Join(root, "tree")}})
	for _, file := range m.Files() {
		if filepath.Base(file) != reloadignore {
			t.Errorf("%s does not count without git's layer", file)
		}
	}
	if m.AffectedBy(filepath.Join(root, "tree/y/.gitignore")) {
		t.Error("a .gitignore does not count without git's layer")
	}
}

// TestIgnoredTreesAreNotWalked: an unreadable folder would be an error, but only for a walk into the folder.
func TestIgnoredTreesAreNotWalked(t *testing.T) {
	root := realTempDir(t)
	writeFile(t, filepath.Join(root, "go.mod"), "")
	writeFile(t, filepath.Join(root, "a", gitignore), "/no/\n")
	for _, dir := range []string{"a/no/x", "node_modules/m", "a/yes"} {
		writeFile(t, filepath.Join(root, dir, reloadignore), "*\n")
	}
	m := mustLoad(t, nil, Options{Trees: []string{root, filepath.Join(root, "a", "no", "x")}})
	for _, dir := range []string{"a/no/x", "node_modules/m"} {
		if slices.Contains(m.Files(), filepath.Join(root, dir, reloadignore)) {
			t.Errorf("the rules of %s were read", dir)
		}
	}
	if !slices.Contains(m.Files(), filepath.Join(root, "a/yes", reloadignore)) {
		t.Error("the rules of a/yes were not read")
	}
}

func TestConcurrentMatch(t *testing.T) {
	root := realTempDir(t)
	writeFile(t, filepath.Join(root, reloadignore), "*.log\n!/a/**/b?.log\n")
	m := mustLoad(t, []string{root}, Options{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if m.Match(filepath.Join(root, "a/x/b1.log"), false).Ignored ||
					!m.Match(filepath.Join(root, "b.log"), false).Ignored {
					t.Error("wrong answer")
					return
				}
			}
		})
	}
	wg.Wait()
}
