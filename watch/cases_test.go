package watch

import (
	"testing"
	"time"
)

// See script_test.go for the language.
var cases = []struct {
	name   string
	set    string
	ignore string
	long   bool   // everything is to be in one batch: a longer quiet period
	before string // done before the watcher starts
	do     string
	want   string
}{
	// Saves.
	{name: "write", set: "tree .", before: "write a one", do: "write a two", want: "~ a"},
	{name: "create", set: "tree .", do: "write a one", want: "+ a"},
	{name: "create empty", set: "tree .", do: "write a", want: "+ a"},
	{name: "append", set: "tree .", before: "write a one", do: "append a two", want: "~ a"},
	{name: "remove", set: "tree .", before: "write a one", do: "rm a", want: "- a"},
	{name: "rename", set: "tree .", before: "write a one", do: "mv a b", want: "- a\n+ b"},
	{name: "rename over", set: "tree .", before: "write a one\nwrite b two", do: "mv a b", want: "- a\n~ b"},
	{name: "vim", set: "tree .", ignore: "4913", before: "write a one", do: "vim a two", want: "~ a"},
	{name: "vim, one batch", set: "tree .", long: true, before: "write a one", do: "vim a two", want: "~ a"},
	{name: "jetbrains", set: "tree .", long: true, before: "write a one", do: "jetbrains a two", want: "~ a"},
	{name: "sed -i", set: "tree .", long: true, before: "write a one", do: "sed a two", want: "~ a"},
	{name: "slow chunks", set: "tree .", before: "write a one", do: "slow a a text of some length in small pieces",
		want: "~ a"},
	{name: "many saves, one batch", set: "tree .", long: true, before: "write a one",
		do: "vim a two\nsed a three\nwrite a four\njetbrains a five", want: "~ a"},

	{name: "vim with a copy", set: "tree .", long: true, before: "write a one", do: "vimcopy a two", want: "~ a"},
	{name: "emacs", set: "tree .", ignore: "[.#]*", long: true, before: "write a one", do: "emacs a two",
		want: "~ a\n+ a~"},
	{name: "emacs, its litter ignored", set: "tree .", ignore: "*a[~#]", before: "write a one\nwrite a~ zero",
		do: "emacs a two", want: "~ a"},
	{name: "VS Code", set: "tree .", before: "write a one", do: "vscode a two", want: "~ a"},
	{name: "write, sync, rename", set: "tree .", long: true, before: "write a one", do: "atomic a two", want: "~ a"},
	{name: "formatted after the save", set: "tree .", long: true, before: "write a one", do: "gofmt a two",
		want: "~ a"},
	{name: "formatted back to what it was", set: "tree .", long: true, before: "write a one", do: "gofmt a one"},
	{name: "chunks with pauses", set: "tree .", long: true, before: "write a one",
		do: "chunks a a text in small pieces that come one by one", want: "~ a"},
	{name: "cp", set: "tree .", before: "write a one\nwrite b two", do: "cp a b\ncp a c", want: "~ b\n+ c"},
	{name: "mv from elsewhere", set: "tree in", before: "mkdir in\nwrite in/a one\nwrite b two", do: "mv b in/a",
		want: "~ in/a"},
	{name: "case-only rename", set: "tree .", before: "write readme one\nmkdir src\nwrite src/a one",
		do: "mv readme README\nmv src SRC", want: "+ README\n+ SRC/\n+ SRC/a\n- readme\n- src/\n- src/a"},

	// git itself. Its own folder is ignored, as git does.
	{name: "git checkout", set: "tree .", ignore: ".git",
		before: "git init -q -b main\nwrite a one\nmkdir d\nwrite d/b one\nwrite same one\ngit add .\ngit commit -qm 1\n" +
			"git checkout -qb other\nwrite a two\nrm d\nwrite c one\ngit add -A\ngit commit -qm 2\ngit checkout -q main",
		do:   "git checkout -q other\nforget --\ngit checkout -q main",
		want: "~ a\n+ c\n- d/\n- d/b\n--\n~ a\n- c\n+ d/\n+ d/b"},
	{name: "git stash", set: "tree .", ignore: ".git",
		before: "git init -q\nwrite a one\nwrite b one\ngit add .\ngit commit -qm 1\nwrite a two\nwrite c new\ngit add c",
		do:     "git stash -q\nforget --\ngit stash pop -q", want: "~ a\n- c\n--\n~ a\n+ c"},
	{name: "git rebase", set: "tree .", ignore: ".git",
		before: "git init -q -b main\nwrite a one\nwrite b one\ngit add .\ngit commit -qm 1\ngit checkout -qb other\n" +
			"write b two\ngit commit -qam 2\nwrite c three\ngit add c\ngit commit -qm 3\ngit checkout -q main\nwrite a two\n" +
			"git commit -qam 4\ngit checkout -q other",
		long: true, do: "git rebase -q main", want: "~ a"},

	// Bad input.
	{name: "names with spaces, newlines and no letters at all", set: "tree .", before: `write "a\nb" one`,
		do: `write "a\nb" two` + "\n" + `write "\xff\xfe" one` + "\n" + `mkdir "\t\x01"` + "\n" +
			`write "\t\x01/\u202e" one`,
		want: `+ "\t\x01/"` + "\n" + `+ "\t\x01/\u202e"` + "\n" + `~ "a\nb"` + "\n" + `+ "\xff\xfe"`},
	{name: "a huge file", set: "tree .", before: "sparse big 2147483648\nwrite a one",
		do:   "sparse big 2147483649\nappend big x\nwrite a two\nforget --\nappend big y\nforget --\nrm big",
		want: "~ a\n~ big\n--\n~ big\n--\n- big"},
	{name: "a link to itself", set: "tree .", before: "link a a\nmkdir d\nlink ../d d/loop\nlink . here",
		do: "write b\nwrite d/c\nrm a\nwrite a", want: "+ a\n+ b\n+ d/c"},
	{name: "a link that dangles, in a folder that goes", set: "dir d file d/l",
		before: "mkdir d\nlink nowhere/at/all d/l",
		do:     "rm d\nforget --\nmkdir d/nowhere/at\nwrite d/nowhere/at/all\nlink nowhere/at/all d/l",
		want:   "- d/\n--\n+ d/\n+ d/l\n+ d/nowhere/"},
	{name: "a socket, a device", set: "tree .", do: "fifo a\nlink /dev/zero b\nlink /dev/full c\nwrite d", want: "+ d"},

	// No change at all.
	{name: "the same content", set: "tree .", long: true, before: "write a one", do: "write a one"},
	{name: "the same content by rename", set: "tree .", long: true, before: "write a one",
		do: "sed a one\nvim a one\njetbrains a one"},
	{name: "touch", set: "tree .", before: "write a one", do: "touch a"},
	{name: "chmod", set: "tree .", before: "write a one", do: "chmod 600 a\nchmod 755 a"},
	{name: "unreadable is not other", set: "tree .", before: "write a one", do: "chmod 0 a\nsync\nchmod 644 a\nsync"},
	{name: "touch and look", set: "tree .", before: "write a one", do: "touch a\nsync"},
	{name: "restored", set: "tree .", long: true, before: "write a one", do: "write a two\nwrite a one"},
	{name: "moved away and back", set: "tree .", long: true, before: "mkdir d/e\nwrite d/e/a one",
		do: "mv d x\nmv x d"},
	{name: "comes and goes", set: "tree .", long: true, do: "write a one\nrm a\nmkdir d/e\nwrite d/e/a\nrm d"},

	// Folders.
	{name: "mkdir -p and write in one go", set: "tree .", do: "mkdir a/b/c\nwrite a/b/c/f one",
		want: "+ a/\n+ a/b/\n+ a/b/c/\n+ a/b/c/f"},
	{name: "later changes in a new folder", set: "tree .",
		do:   "mkdir a/b\nforget --\nwrite a/b/f one\nforget --\nwrite a/b/f two",
		want: "+ a/\n+ a/b/\n--\n+ a/b/f\n--\n~ a/b/f"},
	{name: "remove a folder", set: "tree .", before: "mkdir a/b\nwrite a/b/f one", do: "rm a",
		want: "- a/\n- a/b/\n- a/b/f"},
	{name: "move a folder", set: "tree .", before: "mkdir a/b\nwrite a/b/f one",
		do:   "mv a z\nforget --\nwrite z/b/f two\nwrite z/b/g",
		want: "- a/\n- a/b/\n- a/b/f\n+ z/\n+ z/b/\n+ z/b/f\n--\n~ z/b/f\n+ z/b/g"},
	{name: "move a folder, and another into its place", set: "tree .",
		before: "mkdir a/b\nwrite a/b/f one\nmkdir y/b\nwrite y/b/f two",
		do:     "mv a z\nmv y a\nforget --\nwrite z/b/f three\nforget --\nwrite a/b/f four",
		want:   "~ a/b/f\n- y/\n- y/b/\n- y/b/f\n+ z/\n+ z/b/\n+ z/b/f\n--\n~ z/b/f\n--\n~ a/b/f"},
	{name: "move a folder out of sight, and write there", set: "tree in",
		before: "mkdir in/a/b\nwrite in/a/b/f one\nmkdir out",
		do:     "mv in/a out/a\nforget --\nwrite out/a/b/f two\nforget --\nmv out/a in/a\nforget --\nwrite in/a/b/f three",
		want:   "- in/a/\n- in/a/b/\n- in/a/b/f\n--\n--\n+ in/a/\n+ in/a/b/\n+ in/a/b/f\n--\n~ in/a/b/f"},
	{name: "remove and make again", set: "tree .", before: "mkdir a/b\nwrite a/b/f one",
		do:   "rm a\nmkdir a/b\nwrite a/b/f two\nforget --\nwrite a/b/f three\nwrite a/b/g",
		want: "~ a/b/f\n--\n~ a/b/f\n+ a/b/g"},
	{name: "a folder takes the place of a file", set: "tree .", before: "write a one",
		do: "rm a\nmkdir a\nwrite a/b one\nforget --\nwrite a/b two", want: "~ a/\n+ a/b\n--\n~ a/b"},
	{name: "a file takes the place of a folder", set: "tree .", before: "mkdir a\nwrite a/b one",
		do: "rm a\nwrite a one", want: "~ a\n- a/b"},
	{name: "another branch", set: "tree .", before: "bulk src 60 one",
		do: "rm src\nbulk src 40 two\nbulk lib 20 two\nforget --\nrm lib\nbulk src 60 one",
		want: bulkLines("+ lib/", "+ lib/d%/", "+ lib/d%/f%", 0, 20) + bulkLines("", "", "~ src/d%/f%", 0, 40) +
			bulkLines("", "- src/d%/", "- src/d%/f%", 40, 60) +
			"--\n" + bulkLines("- lib/", "- lib/d%/", "- lib/d%/f%", 0, 20) +
			bulkLines("", "", "~ src/d%/f%", 0, 40) + bulkLines("", "+ src/d%/", "+ src/d%/f%", 40, 60)},
	{name: "not below a dir", set: "dir d", before: "mkdir d/e",
		do: "write d/e/f\nmkdir d/g/h\nwrite d/g/f\nwrite d/f\nwrite other", want: "+ d/f\n+ d/g/"},

	// A named path that is missing, or disappears.
	{name: "a dir that goes and comes", set: "dir d/e", before: "mkdir d/e\nwrite d/e/f one",
		do:   "rm d\nforget --\nmkdir d/e\nwrite d/e/f two\nforget --\nwrite d/e/f three",
		want: "- d/e/\n- d/e/f\n--\n+ d/e/\n+ d/e/f\n--\n~ d/e/f"},
	{name: "a dir that goes and comes at once", set: "dir d/e", before: "mkdir d/e\nwrite d/e/f one",
		do: "rm d\nmkdir d/e\nwrite d/e/f two\nforget --\nwrite d/e/f three", want: "~ d/e/f\n--\n~ d/e/f"},
	{name: "a dir that comes late", set: "dir a/b/c",
		do: "mkdir a\nforget --\nmkdir a/b/c\nwrite a/b/c/f\nwrite a/b/f", want: "--\n+ a/b/c/\n+ a/b/c/f"},
	{name: "a dir whose parent is swapped", set: "dir a/b file go.mod",
		before: "mkdir a/b\nwrite a/b/f one\nmkdir x/b\nwrite x/b/f two",
		do:     "mv a y\nmv x a\nforget --\nwrite a/b/f three\nwrite y/b/f four", want: "~ a/b/f\n--\n~ a/b/f"},
	{name: "a dir whose distant parent is moved away", set: "dir a/b/c file go.mod",
		before: "mkdir a/b/c\nwrite a/b/c/f one", do: "mv a z\nforget --\nmv z a",
		want: "- a/b/c/\n- a/b/c/f\n--\n+ a/b/c/\n+ a/b/c/f"},
	{name: "a tree is replaced", set: "tree d", before: "mkdir d/e\nwrite d/e/f one\nmkdir n/e\nwrite n/e/f two",
		do: "rm d\nmv n d\nforget --\nwrite d/e/f three", want: "~ d/e/f\n--\n~ d/e/f"},
	{name: "a dir that is a file", set: "dir d", before: "write d one",
		do: "write d two\nforget --\nrm d\nmkdir d\nwrite d/f", want: "~ d\n--\n~ d/\n+ d/f"},

	// Single files.
	{name: "a file and not its neighbours", set: "file a", before: "write a one",
		do: "write b\nwrite a two\nmkdir c\nwrite c/a", want: "~ a"},
	{name: "a file that comes", set: "file d/a", do: "mkdir d\nwrite d/b\nwrite d/a\nforget --\nrm d",
		want: "+ d/a\n--\n- d/a"},
	{name: "a file is saved by rename", set: "file a", before: "write a one",
		do: "vim a two\nforget --\nsed a three\nforget --\njetbrains a four", want: "~ a\n--\n~ a\n--\n~ a"},
	{name: "a file becomes a folder and again a file", set: "file a", before: "write a one",
		do: "rm a\nmkdir a\nwrite a/x\nforget --\nrm a\nwrite a one", want: "~ a/\n--\n~ a"},
	{name: "named files are not ignored", set: "file a", ignore: "a", before: "write a one", do: "write a two",
		want: "~ a"},

	// Ignored.
	{name: "ignored", set: "tree .", ignore: "*.log", before: "mkdir x.log",
		do: "write a.log\nwrite x.log/a\nmkdir y.log/z\nwrite y.log/z/a\nwrite a", want: "+ a"},
	{name: "ignored by rename", set: "tree .", ignore: "*.log", before: "write a one\nwrite b.log two",
		do: "mv a a.log\nmv b.log b", want: "- a\n+ b"},
	{name: "a dir below an ignored folder", set: "tree . dir x.log/d", ignore: "*.log", before: "mkdir x.log/d",
		do: "write x.log/a\nwrite x.log/d/a", want: "+ x.log/d/a"},
	{name: "rules change", set: "tree .", ignore: "*.log",
		before: "write a one\nwrite a.log one\nmkdir d.log\nwrite d.log/f one",
		do: "ignore a\nforget --\nwrite a two\nwrite a.log two\nwrite d.log/f two\nforget --\nignore\nforget --\n" +
			"write a three",
		want: "--\n~ a.log\n~ d.log/f\n--\n--\n~ a"},
	{name: "a change and new rules", set: "tree .", before: "write a one\nwrite b one",
		do: "write a two\nwrite b two\nwrite c\nignore b", want: "~ a\n+ c"},

	// The set changes.
	{name: "more is watched", set: "tree a", before: "mkdir a\nmkdir b\nwrite a/f one\nwrite b/f one",
		do: "write b/f two\nset tree a b\nforget --\nwrite a/f two\nwrite b/f three", want: "--\n~ a/f\n~ b/f"},
	{name: "less is watched", set: "tree a b", before: "mkdir a/c\nmkdir b",
		do: "set tree b\nwrite a/f\nwrite a/c/f\nwrite b/f", want: "+ b/f"},
	{name: "a tree becomes a dir", set: "tree a", before: "mkdir a/b",
		do:   "set dir a\nwrite a/b/f\nwrite a/f\nforget --\nset tree a\nforget --\nwrite a/b/f x",
		want: "+ a/f\n--\n--\n~ a/b/f"},
	{name: "a file becomes a dir", set: "file a/f", before: "mkdir a\nwrite a/f one\nwrite a/g one",
		do: "write a/f two\nset dir a\nwrite a/g two", want: "~ a/f\n~ a/g"},
	{name: "a change just before the set changes", set: "tree a", before: "mkdir a\nmkdir b\nwrite a/f one",
		do: "write a/f two\nwrite a/g\nset tree b tree a", want: "~ a/f\n+ a/g"},
	{name: "a part stays", set: "tree a", before: "mkdir a/b/c",
		do: "set dir a/b/c\nwrite a/f\nwrite a/b/f\nwrite a/b/c/f", want: "+ a/b/c/f"},
	{name: "nothing", set: "tree a", before: "mkdir a", do: "set\nwrite a/f"},

	// Symbolic links.
	{name: "a link to a file elsewhere", set: "tree in",
		before: "mkdir in\nmkdir out\nwrite out/f one\nlink ../out/f in/f",
		do: "write out/f two\nwrite out/g\nforget --\nsed out/f three\nforget --\nrm out\nforget --\nmkdir out\n" +
			"write out/f", want: "~ in/f\n--\n~ in/f\n--\n- in/f\n--\n+ in/f"},
	{name: "a link to a link", set: "file in/f",
		before: "mkdir in\nmkdir mid\nmkdir out\nwrite out/f one\nwrite out/g two\nlink ../out/f mid/f\nlink ../mid/f in/f",
		do: "write out/f two\nforget --\nrm mid/f\nlink ../out/g mid/f\nforget --\nwrite out/g three\nforget --\n" +
			"write out/f four", want: "~ in/f\n--\n--\n~ in/f\n--"},
	{name: "a link is turned", set: "tree in",
		before: "mkdir in\nmkdir out\nwrite out/f one\nwrite out/g two\nlink ../out/f in/f",
		do:     "rm in/f\nlink ../out/g in/f\nforget --\nwrite out/f x\nforget --\nwrite out/g three",
		want:   "~ in/f\n--\n--\n~ in/f"},
	{name: "a link to nothing", set: "tree in", before: "mkdir in\nlink ../out/f in/f",
		do: "mkdir out\nforget --\nwrite out/f", want: "--\n+ in/f"},
	{name: "a link to what comes in the tree", set: "tree .", before: "link a/c/x l",
		do: "mkdir a/c\nwrite a/c/b\nforget --\nwrite a/c/x", want: "+ a/\n+ a/c/\n+ a/c/b\n--\n+ a/c/x\n+ l"},
	{name: "links in a circle", set: "tree .", before: "link b a\nlink a b", do: "write c\nrm a\nwrite a",
		want: "+ a\n+ b\n+ c"},
	{name: "a link within the tree", set: "tree .", before: "write a one\nlink a b", do: "write a two",
		want: "~ a\n~ b"},
	{name: "a link to a folder is not entered", set: "tree in", before: "mkdir in\nmkdir out/d\nlink ../out in/l",
		do: "write out/f\nwrite out/d/f\nwrite in/f", want: "+ in/f"},
	{name: "a dir that is a link", set: "dir l", before: "mkdir d\nmkdir e\nwrite d/f one\nwrite e/f two\nlink d l",
		do:   "write d/g\nforget --\nrm l\nlink e l\nforget --\nwrite e/f three\nwrite d/f x",
		want: "+ l/g\n--\n~ l/f\n- l/g\n--\n~ l/f"},
	{name: "a dir that is a link to elsewhere", set: "dir in/l",
		before: "mkdir in\nmkdir out/d\nmkdir out/e\nwrite out/d/f one\nwrite out/e/f two\nlink ../out/d in/l",
		do: "rm in/l\nlink ../out/e in/l\nforget --\nwrite out/e/f three\nwrite out/d/f x\nforget --\n" +
			"mv out/e out/d/e\nforget --\nmv out/d/e out/e", want: "~ in/l/f\n--\n~ in/l/f\n--\n- in/l/\n- in/l/f\n--\n" +
			"+ in/l/\n+ in/l/f"},
	{name: "a dir alone, moved and replaced", set: "dir d",
		before: "mkdir d\nwrite d/f one\nmkdir e\nwrite e/f two",
		do:     "mv d x\nforget --\nmv e d\nforget --\nwrite d/f three\nwrite x/f four",
		want:   "- d/\n- d/f\n--\n+ d/\n+ d/f\n--\n~ d/f"},
	{name: "two names of one folder", set: "dir d l", before: "mkdir d\nwrite d/f one\nlink d l",
		do:   "write d/f two\nforget --\nrm l\nforget --\nwrite d/f three\nforget --\nlink d l\nforget --\nwrite l/f four",
		want: "~ d/f\n~ l/f\n--\n- l/\n- l/f\n--\n~ d/f\n--\n+ l/\n+ l/f\n--\n~ d/f\n~ l/f"},
	{name: "a link takes the place of a folder of a tree", set: "tree in",
		before: "mkdir in/d\nwrite in/d/f\nmkdir out",
		do: "mv in/d out/d\nlink ../out/d in/d\nforget --\nwrite out/d/f x\nforget --\nrm in/d\nmv out/d in/d\n" +
			"forget --\nwrite in/d/f y", want: "- in/d/f\n--\n--\n+ in/d/f\n--\n~ in/d/f"},

	// Changes that do not count.
	{name: "a fifo", set: "tree .", before: "fifo a", do: "fifo b\nwrite c", want: "+ c"},
	{name: "a fifo takes the place of a file", set: "tree .", before: "write a one", do: "rm a\nfifo a", want: "- a"},
}

func TestCases(t *testing.T) {
	for _, mode := range modes {
		if mode.lossy {
			continue // the expected result depends on the order
		}
		t.Run(mode.name, func(t *testing.T) {
			if testing.Short() && mode.name != "events" {
				t.Skip("-short tries the usual way to watch only: events")
			}
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					if mode.lean && (c.name == "a dir whose distant parent is moved away" ||
						c.name == "a dir whose parent is swapped") {
						t.Skip("with so few events only the patrol finds this change, within a minute")
					}
					s := &script{t: t, root: newRoot(t), changes: make(map[string]Change)}
					s.run(c.before)
					config := Config{Quiet: 40 * time.Millisecond, Ignored: matching(c.ignore)}
					if c.long {
						config.Quiet = 300 * time.Millisecond
					}
					s.w = mode.open(t, config)
					s.step("set", linesOf(spaced(c.set)))
					s.run(c.do)
					s.collect()
					compare(t, s.lines, linesOf(c.want))
				})
			}
		})
	}
}
