package cli

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"hotreload/settings"
)

func theManual() string { return manual(newCommand(&line{values: settings.NewValues()})) }

// Each flag, key and command stands in the manual page.
func TestManualHasEverything(t *testing.T) {
	text := regexp.MustCompile(`\\f[BIR]`).ReplaceAllString(strings.ReplaceAll(theManual(), `\-`, "-"), "")
	for _, s := range settings.All() {
		if s.Flag() && !strings.Contains(text, "--"+s.Name) {
			t.Errorf("--%s is missing", s.Name)
		}
		if !s.Flag() && !strings.Contains(text, "\n"+s.Line()+"\n") {
			t.Errorf("%s is missing", s.Line())
		}
	}
	for _, c := range newCommand(&line{values: settings.NewValues()}).Commands() {
		if !strings.Contains(text, ".TP\n"+c.Name()) {
			t.Errorf("%s is missing", c.Name())
		}
	}
}

func TestRoff(t *testing.T) {
	for text, want := range map[string]string{
		"a `-q` b":          `a \fB\-q\fR b`,
		"see [it](#there).": "see it.",
		".hidden":           `\&.hidden`,
		"a\n'b":             "a\n\\&'b",
		`\d…`:               `\ed\[u2026]`,
	} {
		if have := inline(text); have != want {
			t.Errorf("%q: have %q, want %q", text, have, want)
		}
	}
}

// Programs that show manual pages find nothing wrong with ours.
func TestManualIsRight(t *testing.T) {
	for _, check := range [][]string{
		{"groff", "-man", "-ww", "-Tutf8", "-z"},
		{"mandoc", "-T", "lint", "-W", "error"},
	} {
		t.Run(check[0], func(t *testing.T) {
			path, err := exec.LookPath(check[0])
			if err != nil {
				t.Skip(check[0] + " is not installed")
			}
			cmd := exec.Command(path, check[1:]...)
			cmd.Stdin = strings.NewReader(theManual())
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
