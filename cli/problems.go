package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/problems"
	"hotreload/runner"
	"hotreload/settings"
)

// formats are the ways to print problems.
var formats = []string{"text", "json", "sarif"}

// problems is `hotreload problems [service…]`.
func (m *remote) problems() *cobra.Command {
	var format string
	var wait, follow bool
	command := &cobra.Command{
		Use: "problems [service…]", Short: "print what is wrong with the code, as file:line:column: message",
		Long: "Print what is wrong with the code as it is: why the last save does not build or run, where workers of the " +
			"serving code have panicked, and which errors its pages in browsers have reported. Paths are relative to this " +
			"folder. The exit code is 1 if there are problems, and 0 if there are none.\n\n" + target,
		RunE: func(c *cobra.Command, names []string) error {
			switch {
			case !slices.Contains(formats, format):
				return settings.Usage(fmt.Errorf("--format %q is none of %s", format, strings.Join(formats, ", ")),
					"text is for people and editors, json and sarif are for programs")
			case m.asJSON:
				format = "json"
			}
			dir, err := os.Getwd()
			if err != nil {
				return err
			}
			switch {
			case follow && format == "sarif":
				return settings.Usage(errors.New("--follow prints text or json"), "a SARIF log is one document")
			case follow:
				return m.followProblems(c, &follower{out: c.OutOrStdout(), format: format, dir: dir, names: names})
			}
			all, err := m.problemsOf(c, names, wait)
			if err != nil {
				return err
			}
			if err := printProblems(c.OutOrStdout(), all, format, dir); err != nil {
				return err
			}
			if len(all) > 0 {
				return exitCode(1)
			}
			return nil
		},
	}
	m.flags(command)
	command.Flags().StringVar(&format, "format", formats[0], "how to print (`name`): text, json or sarif (SARIF 2.1.0)")
	command.Flags().BoolVar(&wait, "wait", false, "first wait until the saved code serves or has failed")
	command.Flags().BoolVarP(&follow, "follow", "f", false, "print the list whenever it changes, also of a hotreload "+
		"that starts later: for editors")
	command.Flags().DurationVar(&m.timeout, "timeout", 0, "with --wait: stop waiting after this `time`; 0: wait for ever")
	return command
}

// problemsOf asks for the problems of all named services.
func (m *remote) problemsOf(c *cobra.Command, names []string, wait bool) ([]control.Problem, error) {
	ctx := contextOf(c)
	client, err := m.find(ctx)
	if err != nil {
		return nil, err
	}
	if wait && m.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, m.timeout)
		defer cancel()
	}
	all, err := client.Problems(ctx, orAll(names), wait)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, noOutcome(m.timeout)
	case err != nil:
		return nil, wrongTarget(err)
	}
	return all, nil
}

// noOutcome is the error of a wait that took too long.
func noOutcome(limit time.Duration) error {
	return settings.Hint(fmt.Errorf("no outcome within %s", limit), "hotreload status shows the current state")
}

// printProblems prints problems for somebody in a folder.
func printProblems(out io.Writer, all []control.Problem, format, dir string) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	switch format {
	case "json":
		return encoder.Encode(control.Problems{Problems: all})
	case "sarif":
		var plain []problems.Problem
		for _, p := range all {
			plain = append(plain, p.Problem)
		}
		return encoder.Encode(problems.SARIF(plain, dir, lineIn))
	}
	for _, p := range all {
		text := p.Text(func(file string) string { return settings.Relative(dir, file) })
		if _, err := fmt.Fprintln(out, text); err != nil {
			return err
		}
	}
	return nil
}

// lineIn returns a line of a file; "" if there is none.
func lineIn(file string, line int) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for ; ; line-- {
		text, err := lines.ReadString('\n')
		if line == 1 {
			return strings.TrimRight(text, "\r\n")
		}
		if err != nil {
			return ""
		}
	}
}

// nextTry is the interval between looks for a hotreload that does not run yet. Felt right, not measured.
const nextTry = 500 * time.Millisecond

// follower prints problems whenever they change, for editors.
type follower struct {
	out    io.Writer
	format string
	dir    string
	names  []string // of services
	last   []control.Problem
	told   bool
}

// followProblems prints problems whenever they change, until interrupted, through ends and starts of hotreload.
func (m *remote) followProblems(c *cobra.Command, f *follower) error {
	ctx, stop := signal.NotifyContext(contextOf(c), os.Interrupt)
	defer stop()
	for ctx.Err() == nil {
		client, err := m.find(ctx)
		if err == nil {
			err = f.read(ctx, client)
		}
		switch {
		case ctx.Err() != nil:
			return nil // Ctrl-C
		case err != nil && !errors.Is(err, control.ErrNone):
			return wrongTarget(err)
		}
		if err := f.tell([]control.Problem{}); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(nextTry):
		}
	}
	return nil
}

// read prints the problems of one hotreload until it ends. A change between the first answer and the first event is the
// first event.
func (f *follower) read(ctx context.Context, client *control.Client) error {
	look := func() error {
		all, err := client.Problems(ctx, orAll(f.names), false)
		switch {
		case errors.Is(err, control.ErrBad):
			return err
		case err != nil:
			return nil // hotreload is ending
		}
		return f.tell(all)
	}
	if err := look(); err != nil {
		return err
	}
	var fault error
	_ = client.Follow(ctx, control.Stream{What: "events"}, func(n control.News) error {
		if n.Event == "problems" || n.Event == "dropped" {
			fault = look()
		}
		return fault
	})
	return fault // else hotreload has ended
}

// tell prints the problems, if different from the last ones. As text, the problems stand between two lines.
func (f *follower) tell(all []control.Problem) error {
	if f.told && reflect.DeepEqual(all, f.last) {
		return nil
	}
	f.told, f.last = true, all
	if f.format == "json" {
		return json.NewEncoder(f.out).Encode(control.Problems{Problems: all})
	}
	var b strings.Builder
	b.WriteString(prefix + "problems:\n")
	if err := printProblems(&b, all, f.format, f.dir); err != nil {
		return err
	}
	end := "no problems"
	if len(all) > 0 {
		end = count(len(all), "problem")
	}
	_, err := io.WriteString(f.out, b.String()+prefix+end+"\n")
	return err
}

// failure tells why a service is stale, for somebody in a folder. The compiler names files relative to the folder of
// the program; a panic's place is easily overlooked in its stack.
func failure(s runner.Status, dir string) string {
	name := func(file string) string { return settings.Relative(dir, file) }
	var lines []string
	for _, p := range s.Problems {
		switch {
		case p.File == "" || !strings.Contains(s.Failure, firstLine(p.Message)):
		case p.Tool == problems.Panic:
			return p.Text(name) + "\n" + s.Failure
		default:
			lines = append(lines, p.Text(name))
		}
	}
	if len(lines) == 0 {
		return s.Failure
	}
	return strings.Join(lines, "\n")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
