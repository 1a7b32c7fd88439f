package ignore

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// in maps a folder to the content of its rule file.
type in map[string]string

// at has rules for the outermost folder alone.
func at(lines ...string) in { return in{"": strings.Join(lines, "\n") + "\n"} }

// gitCases is the meaning of gitignore. A path with a slash at the end is a folder. by is folder:line of the deciding
// rule, empty if there is none.
var gitCases = []struct {
	name    string
	files   in
	path    string
	ignored bool
	by      string
}{
	// Names.
	{"plain name", at("a.txt"), "a.txt", true, ":1"},
	{"plain name below", at("a.txt"), "x/y/a.txt", true, ":1"},
	{"plain name is not a prefix", at("a.txt"), "a.txt2", false, ""},
	{"plain name is not a suffix", at("a.txt"), "ba.txt", false, ""},
	{"plain name is a folder", at("bin"), "bin/tool", true, ":1"},
	{"case counts", at("Makefile"), "makefile", false, ""},
	{"star suffix", at("*.log"), "x/app.log", true, ":1"},
	{"star suffix, nothing before", at("*.log"), ".log", true, ":1"},
	{"star prefix", at("tmp*"), "tmpfile", true, ":1"},
	{"star in the middle", at("a*z"), "abcz", true, ":1"},
	{"star is empty", at("a*z"), "az", true, ":1"},
	{"star backtracks", at("*ab*cd*"), "xabyabzcd", true, ":1"},
	{"star alone", at("*"), ".hidden", true, ":1"},
	{"question mark", at("?.go"), "a.go", true, ":1"},
	{"question mark needs a byte", at("?.go"), ".go", false, ""},
	{"question mark is a byte, not a character", at("?.go"), "é.go", false, ""},
	{"two question marks are a two-byte character", at("??.go"), "é.go", true, ":1"},
	{"two stars in a name are one", at("a**z"), "abz", true, ":1"},
	{"non-ASCII literal", at("naïve"), "naïve", true, ":1"},
	{"non-ASCII after a star", at("*ï*"), "naïve", true, ":1"},

	// Folders.
	{"trailing slash, folder", at("bin/"), "bin/", true, ":1"},
	{"trailing slash, file", at("bin/"), "bin", false, ""},
	{"trailing slash, below", at("bin/"), "x/bin/tool", true, ":1"},
	{"trailing slash with star", at("*.d/"), "conf.d/a", true, ":1"},
	{"two trailing slashes", at("bin//"), "bin/", false, ""},

	// Anchors.
	{"leading slash", at("/a"), "a", true, ":1"},
	{"leading slash, deeper", at("/a"), "x/a", false, ""},
	{"slash in the middle", at("x/a"), "x/a", true, ":1"},
	{"slash in the middle, deeper", at("x/a"), "y/x/a", false, ""},
	{"anchored star stays in its folder", at("/*.c"), "x/a.c", false, ""},
	{"anchored star", at("/*.c"), "a.c", true, ":1"},
	{"star between slashes", at("a/*/c"), "a/b/c", true, ":1"},
	{"star between slashes is one folder", at("a/*/c"), "a/b/b/c", false, ""},
	{"star between slashes is not nothing", at("a/*/c"), "a/c", false, ""},
	{"question mark is no slash", at("a?b"), "a/b", false, ""},
	{"path question mark is no slash", at("/x/a?b"), "x/a/b", false, ""},
	{"anchored to a nested file", in{"sub": "/a\n"}, "sub/a", true, "sub:1"},
	{"anchored to a nested file, above", in{"sub": "/a\n"}, "a", false, ""},
	{"two leading slashes", at("//a"), "a", false, ""},
	{"two slashes inside", at("a//b"), "a/b", false, ""},
	{"dot slash", at("./a"), "a", false, ""},
	{"dot dot", in{"sub": "../a\n"}, "a", false, ""},
	{"anchored folder", at("/a/b/"), "a/b/c", true, ":1"},
	{"anchored folder is not a prefix", at("/a/b/"), "a/bc/", false, ""},

	// Two stars.
	{"leading **/", at("**/a"), "x/y/a", true, ":1"},
	{"leading **/, no folder", at("**/a"), "a", true, ":1"},
	{"leading **/ with path", at("**/a/b"), "x/a/b", true, ":1"},
	{"trailing /**", at("a/**"), "a/b", true, ":1"},
	{"trailing /** is not the folder", at("a/**"), "a/", false, ""},
	{"trailing /** after a wildcard is not the folder", at("?/**"), "a/", false, ""},
	{"trailing /** is deep", at("a/**"), "a/b/c/d", true, ":1"},
	{"middle, no folder", at("a/**/b"), "a/b", true, ":1"},
	{"middle, two folders", at("a/**/b"), "a/x/y/b", true, ":1"},
	{"middle is whole names", at("a/**/b"), "a/xb", false, ""},
	{"two times", at("a/**/b/**/c"), "a/b/x/b/c", true, ":1"},
	{"twice in a row", at("a/**/**/b"), "a/b", true, ":1"},
	{"three stars are two", at("a/***/b"), "a/x/y/b", true, ":1"},
	{"** alone", at("**"), "x/y", true, ":1"},
	{"/** alone", at("/**"), "x", true, ":1"},
	{"**/ alone is folders", at("**/"), "x/y", true, ":1"},
	{"**/ alone is no file", at("**/"), "x", false, ""},
	{"** glued to a name", at("/a/**b"), "a/x/b", false, ""},
	{"** glued, in the folder", at("/a/**b"), "a/xb", true, ":1"},
	{"** then escaped slash needs a folder", at(`a/**\/b`), "a/b", false, ""},
	{"** then escaped slash, one folder", at(`a/**\/b`), "a/x/b", true, ":1"},
	{"** then star", at("a/**/*.go"), "a/x/y/z.go", true, ":1"},
	{"surprise: literal, then ** at the end", at("/foo**", "!foox/"), "foox/y", true, ":1"},
	{"surprise: literal, then **, no folder", at("/foo**/bar"), "foobar", true, ":1"},
	{"surprise: literal, then **, deep", at("/foo**/bar"), "foox/y/bar", true, ":1"},
	{"no surprise after a wildcard", at("/f?o**/bar"), "foox/y/bar", false, ""},
	{"no surprise after a wildcard, near", at("/f?o**/bar"), "foox/bar", true, ":1"},

	// Brackets and braces.
	{"set", at("[ab].c"), "b.c", true, ":1"},
	{"range", at("[a-c].c"), "b.c", true, ":1"},
	{"range, outside", at("[a-c].c"), "d.c", false, ""},
	{"negated with !", at("[!a].c"), "b.c", true, ":1"},
	{"negated with ^", at("[^a].c"), "a.c", false, ""},
	{"negated is no slash", at("/x[!a]y"), "x/y", false, ""},
	{"bracket first in set", at("[]-].c"), "].c", true, ":1"},
	{"dash last", at("[a-].c"), "-.c", true, ":1"},
	{"dash after a range", at("[a-c-e].c"), "d.c", false, ""},
	{"escaped bracket in set", at(`[\]].c`), "].c", true, ":1"},
	{"class", at("[[:digit:]].c"), "5.c", true, ":1"},
	{"class and more", at("[[:upper:]_-].c"), "_.c", true, ":1"},
	{"negated class", at("[![:space:]].c"), " .c", false, ""},
	{"unknown class", at("[[:word:]].c"), "a.c", false, ""},
	{"class without its end is a set", at("[[:x].c"), ":.c", true, ":1"},
	{"open bracket", at("[abc"), "[abc", false, ""},
	{"open bracket does not hide others", at("[abc", "*.c"), "a.c", true, ":2"},
	{"reversed range", at("[z-a].c"), "m.c", false, ""},
	{"reversed range is its first end", at("[z-a].c"), "z.c", true, ":1"},
	{"bracket with a slash alone", at("/x[/]y"), "x/y", false, ""},
	{"slash in a bracket anchors", at("a[b/]c"), "abc", true, ":1"},
	{"slash in a bracket anchors, deeper", at("a[b/]c"), "x/abc", false, ""},
	{"one byte of a character", at("[é].c"), "é.c", false, ""},
	{"both bytes of a character", at("[é][é].c"), "é.c", true, ":1"},
	{"braces are names", at("*.{go,mod}"), "main.go", false, ""},
	{"braces are names, literally", at("*.{go,mod}"), "x.{go,mod}", true, ":1"},
	{"brace in a path", at("/{a}"), "{a}", true, ":1"},
	{"brace after a wildcard", at("?{a"), "x{a", true, ":1"},

	// Escapes, spaces, line ends.
	{"escaped star", at(`\*.c`), "a.c", false, ""},
	{"escaped star, literally", at(`\*.c`), "*.c", true, ":1"},
	{"escaped letter", at(`\a.c`), "a.c", true, ":1"},
	{"escaped backslash", at(`a\\b`), `a\b`, true, ":1"},
	{"backslash at the end", at(`a\`), "a", false, ""},
	{"comment", at("#a"), "#a", false, ""},
	{"escaped hash", at(`\#a`), "#a", true, ":1"},
	{"hash later", at("a#b"), "a#b", true, ":1"},
	{"escaped exclamation mark", at(`\!a`), "!a", true, ":1"},
	{"exclamation mark later", at("a!"), "a!", true, ":1"},
	{"spaces at the end", at("a   "), "a", true, ":1"},
	{"escaped space at the end", at(`a\ `), "a ", true, ":1"},
	{"escaped space, then spaces", at(`a\   `), "a ", true, ":1"},
	{"space inside", at("a b"), "a b", true, ":1"},
	{"space first", at(" a"), " a", true, ":1"},
	{"tab at the end stays", at("a\t"), "a", false, ""},
	{"CRLF", at("a\r", "b\r"), "b", true, ":2"},
	{"CRLF after spaces", at("a  \r"), "a", true, ":1"},
	{"one carriage return of two", at("a\r\r"), "a\r", true, ":1"},
	{"blank lines count", at("", "  ", "\r", "a"), "a", true, ":4"},
	{"no newline at the end", in{"": "a"}, "a", true, ":1"},
	{"byte order mark", in{"": "\ufeffa\n"}, "a", true, ":1"},
	{"byte order mark before a comment", in{"": "\ufeff#a\n"}, "#a", false, ""},
	{"NUL ends the pattern", at("a\x00b"), "a", true, ":1"},
	{"exclamation mark alone", at("a", "!"), "a", true, ":1"},
	{"slash alone", at("/"), "a/", false, ""},
	{"newline in a path", at("a*b"), "a\nb", true, ":1"},
	{"newline below a folder", at("d/"), "d/a\nb", true, ":1"},
	{"invalid UTF-8 in a path", at("a?b"), "a\xffb", true, ":1"},
	{"invalid UTF-8 in a rule", at("*\xff.c"), "a\xff.c", true, ":1"},
	{"invalid UTF-8 is not any other", at("?\xff.c"), "a\xfe.c", false, ""},
	{"replacement character is not invalid UTF-8", at("?\ufffd"), "a\xff", false, ""},
	{"range of bytes", at("a[\x80-\xff]"), "a\xc3", true, ":1"},

	// Which rule wins.
	{"last line wins", at("*.c", "!a.c"), "a.c", false, ":2"},
	{"last line wins again", at("*.c", "!a.c", "a*"), "a.c", true, ":3"},
	{"others stay", at("*.c", "!a.c"), "b.c", true, ":1"},
	{"deeper file wins", in{"": "*.c\n", "sub": "!*.c\n"}, "sub/a.c", false, "sub:1"},
	{"deeper file wins below it alone", in{"": "*.c\n", "sub": "!*.c\n"}, "a.c", true, ":1"},
	{"deeper file ignores again", in{"": "*.c\n!a.c\n", "sub": "a.c\n"}, "sub/a.c", true, "sub:1"},
	{"deeper file is silent", in{"": "*.c\n", "sub": "*.h\n"}, "sub/a.c", true, ":1"},
	{"three files", in{"": "*.c\n", "x": "!*.c\n", "x/y": "a.c\n"}, "x/y/a.c", true, "x/y:1"},
	{"excluded folder is closed", at("d/", "!d/a"), "d/a", true, ":1"},
	{"excluded folder is closed for nested files", in{"": "d/\n", "d": "!a\n"}, "d/a", true, ":1"},
	{"content excluded, folder open", at("d/*", "!d/a"), "d/a", false, ":2"},
	{"content excluded, the rest", at("d/*", "!d/a"), "d/b", true, ":1"},
	{"re-included folder", at("d", "!d/"), "d/a", false, ""},
	{"re-included folder, file of the name", at("d", "!d/"), "d", true, ":1"},
	{"folder by folder", at("/*", "!/d", "/d/*", "!/d/e"), "d/e/f", false, ""},
	{"folder by folder, beside", at("/*", "!/d", "/d/*", "!/d/e"), "d/x", true, ":3"},
	{"all but", at("*", "!*/", "!*.go"), "x/y/a.go", false, ":3"},
	{"all but, others", at("*", "!*/", "!*.go"), "x/y/a.c", true, ":1"},
	{"** and re-include", at("d/**", "!d/**/", "!d/**/*.txt"), "d/x/y.txt", false, ":3"},
	{"** and re-include, others", at("d/**", "!d/**/", "!d/**/*.txt"), "d/x/y.c", true, ":1"},
}

// want returns the expected answer in the format of gitRepo.verdicts, for a case in folder.
func want(folder, file string, ignored bool, by string) string {
	if by == "" {
		return verdict(ignored, "", 0)
	}
	dir, line, _ := strings.Cut(by, ":")
	word := verdict(ignored, "", 0)
	return fmt.Sprintf("%s by %s:%s", word, strings.Join(nonEmpty(folder, dir, file), "/"), line)
}

func nonEmpty(parts ...string) []string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}

// layCases writes every case into a subfolder of root, with rule files of the given name, and loads a Matcher.
func layCases(t *testing.T, root, file string) (m *Matcher, folders, paths []string) {
	t.Helper()
	for i, c := range gitCases {
		folder := fmt.Sprintf("case%03d", i)
		for dir, content := range c.files {
			writeFile(t, filepath.Join(root, folder, dir, file), content)
		}
		if strings.HasSuffix(c.path, "/") {
			makeDir(t, filepath.Join(root, folder, c.path))
		}
		folders = append(folders, folder)
		paths = append(paths, folder+"/"+strings.TrimSuffix(c.path, "/"))
	}
	m, _ = Load(nil, Options{Trees: []string{root}}) // some rules never match, on purpose
	return m, folders, paths
}

func TestGitignore(t *testing.T) {
	for _, file := range []string{gitignore, reloadignore} {
		t.Run(file, func(t *testing.T) {
			root := realTempDir(t)
			m, folders, paths := layCases(t, root, file)
			for i, c := range gitCases {
				isDir := strings.HasSuffix(c.path, "/")
				have, want := verdictOf(m, root, paths[i], isDir), want(folders[i], file, c.ignored, c.by)
				if have != want {
					t.Errorf("%s: rules %q, path %q\nhave %s\nwant %s", c.name, c.files, c.path, have, want)
				}
			}
		})
	}
}

// TestGitAgrees asks git about the same table. If this test fails, the table is wrong.
func TestGitAgrees(t *testing.T) {
	repo := newGitRepo(t)
	_, folders, paths := layCases(t, repo.root, gitignore)
	for i, have := range repo.verdicts(paths) {
		c := gitCases[i]
		if want := want(folders[i], gitignore, c.ignored, c.by); have != want {
			t.Errorf("%s: rules %q, path %q\ngit says %s\nwant     %s", c.name, c.files, c.path, have, want)
		}
	}
}
