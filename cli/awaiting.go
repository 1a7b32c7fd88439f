package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/runner"
	"hotreload/settings"
)

// awaiting is `hotreload wait [service…]`.
func (m *remote) awaiting() *cobra.Command {
	do := func(c *control.Client, ctx context.Context, to string) ([]runner.Status, error) {
		if !m.tests {
			return c.Wait(ctx, to)
		}
		answer, err := c.WaitTests(ctx, to)
		if err != nil && strings.Contains(err.Error(), control.ErrNoTests.Error()) {
			return nil, settings.Hint(control.ErrNoTests, "start hotreload with --test, or press t in its terminal")
		}
		m.tested = answer.Tests
		return answer.Services, err
	}
	command := m.asking("wait", "wait until the saved code serves (exit code 0) or has failed (exit code 1)", true, do)
	command.Flags().BoolVar(&m.tests, "tests", false, "wait then until the tests of what was saved have ended; exit code "+
		"1 if tests fail")
	return command
}

// showTests prints the result of tests; failures are an error.
func (m *remote) showTests(out io.Writer, t *control.Tests, dir string) error {
	switch {
	case t.Error != "":
		return errors.New("tests do not run: " + t.Error)
	case len(t.Problems) > 0:
		lines := []string{fmt.Sprintf("tests fail: %s", count(len(t.Problems), "problem"))}
		for _, p := range t.Problems {
			lines = append(lines, p.Text(func(file string) string { return settings.Relative(dir, file) }))
		}
		return errors.New(strings.Join(lines, "\n"))
	case t.Waits:
		return errors.New("tests wait until the saved code serves")
	case !t.OK:
		return errors.New("tests fail")
	case !m.asJSON:
		text := "no tests have run: nothing that they reach was saved"
		if t.Packages > 0 {
			text = green("tests pass") + dim(separator+count(t.Passed+t.Skipped, "test")+" in "+count(t.Packages, "package"))
		}
		fmt.Fprintln(out, text)
	}
	return nil
}
