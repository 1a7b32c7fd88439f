package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hotreload/settings"
)

// Each flag and each command stands in --help, once, and the everyday ones before the others.
func TestHelpInGroups(t *testing.T) {
	var b strings.Builder
	root := newCommand(&line{values: settings.NewValues()})
	root.InitDefaultHelpFlag()
	root.InitDefaultVersionFlag()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	if err := usage(&b, root); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, s := range settings.All() {
		if s.Flag() && len(regexp.MustCompile(` --`+s.Name+`[\[ \n]`).FindAllString(text, -1)) != 1 {
			t.Errorf("--%s does not stand in it once", s.Name)
		}
	}
	for _, c := range root.Commands() {
		if strings.Count(text, "\n  "+c.Name()+" ") != 1 {
			t.Errorf("%s does not stand in it once", c.Name())
		}
		for line := range strings.Lines(c.Long) {
			if len(line) > helpWidth+5 {
				t.Errorf("%s: a line of %d columns: %s", c.Name(), len(line), line)
			}
		}
		if !strings.HasPrefix(c.Long, strings.ToUpper(c.Long[:1])) {
			t.Errorf("%s: its description is no sentence: %s", c.Name(), c.Long)
		}
	}
	if last, first := strings.Index(text, "\n  wait"), strings.Index(text, "--strategy"); last < 0 || first < last {
		t.Error("what is for every day does not come first")
	}
	for line := range strings.Lines(text) {
		if len(line) > helpWidth+5 {
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
	}
}

// Each command stands in the reference.
func TestReferenceHasEveryCommand(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "reference.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range newCommand(&line{values: settings.NewValues()}).Commands() {
		if !strings.Contains(string(page), "`hotreload "+c.Name()) {
			t.Errorf("docs/reference.md does not have hotreload %s", c.Name())
		}
	}
}
