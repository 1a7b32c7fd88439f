package gobuild

import (
	"path/filepath"
	"testing"
)

func TestFoldersNamed(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"replace", "module a\nreplace x.org/x => ../x\n", "../x"},
		{"block, comment, quotes", "replace (\n\tx.org/x v1.0.0 => ./x // ours\n\ty => \"./y z\"\n)\n", "x"},
		{"version", "replace x.org/x => y.org/y v1.0.0\n", ""},
		{"use", "go 1.25\nuse ./a\nuse (\n\t.\n\t./b // c\n)\n", ".|a|b"},
		{"comment", "// ./a\n//../b\nuse ../c // ./d\n", "../c"},
		{"broken line", "requir x\nreplace x => ../x\n", "../x"},
		{"carriage returns", "use ./a\r\nuse ./b\r\n", "a|b"},
		{"absolute", "use /abs/a\n", "ABS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := tree(t, "-- go.mod --\n"+c.text)
			have := foldersNamed(filepath.Join(dir, "go.mod"))
			if c.want == "ABS" {
				equal(t, "folders", have, []string{filepath.FromSlash("/abs/a")})
				return
			}
			equal(t, "folders", under(dir, have), fields(c.want))
		})
	}
}
