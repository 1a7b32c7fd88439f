package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/gobuild"
	"hotreload/process"
	"hotreload/runner"
	"hotreload/settings"
)

// explaining is `hotreload explain [PATH…]`.
func (m *remote) explaining(l *line, root *cobra.Command) *cobra.Command {
	command := &cobra.Command{
		Use: "explain [flags] [path…]",
		Short: "tell how a change of these files takes effect, and why; without a path: of all files that workers have " +
			"opened",
		RunE: func(c *cobra.Command, paths []string) error {
			return m.explain(contextOf(c), c.OutOrStdout(), l, root, paths)
		},
	}
	m.flags(command)
	return command
}

// explain asks the running hotreload. If none runs, explain finds out as much as possible.
func (m *remote) explain(ctx context.Context, out io.Writer, l *line, root *cobra.Command, paths []string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	var ask func(path string) ([]runner.Explanation, error)
	alone := false
	client, err := m.find(ctx)
	switch {
	case err == nil:
		ask = func(path string) ([]runner.Explanation, error) {
			if path != "" {
				path = client.Named(path)
			}
			return client.Explain(ctx, path)
		}
	case errors.Is(err, control.ErrNone) && m.pid == 0 && len(paths) > 0:
		alone = true
		if ask, err = explainAlone(ctx, l, root); err != nil {
			return err
		}
	default:
		return err
	}
	var all []runner.Explanation
	if len(paths) == 0 {
		if all, err = ask(""); err != nil {
			return err
		}
	}
	for _, path := range paths {
		e, err := ask(settings.Absolute(dir, path))
		if err != nil {
			return err
		}
		for i := range e {
			e[i].Path = settings.Absolute(dir, path) // JSON cannot hold invalid UTF-8
		}
		all = append(all, e...)
	}
	if m.asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(all)
	}
	for _, e := range all {
		of := ""
		if e.Service != "" {
			of = e.Service + ": "
		}
		fmt.Fprintf(out, "%s%s → %s: %s · %s\n", of, settings.Relative(dir, e.Path), bold(e.Class), e.Reason,
			strings.Join(notesOn(e), " · "))
		for _, evidence := range e.Evidence {
			fmt.Fprintln(out, "  "+dim(told(evidence, time.Now())))
		}
	}
	switch {
	case alone:
		fmt.Fprintln(out, dim("no hotreload runs here, so the files that workers read while they run are unknown"))
	case len(all) == 0:
		fmt.Fprintln(out, "no files are known that the workers have opened")
	}
	return nil
}

// explainAlone explains without a running hotreload: the build is known, the workers are not.
func explainAlone(ctx context.Context, l *line, root *cobra.Command) (func(string) ([]runner.Explanation, error),
	error) {
	w, _, err := l.wishes(root.Flags(), l.goFlags, nil)
	if err != nil {
		return nil, err
	}
	if err := process.Setup(); err != nil {
		return nil, err
	}
	r, err := resolve(ctx, w)
	if err != nil {
		return nil, err
	}
	graphs := make([]*gobuild.Graph, len(r.Services))
	for i, service := range r.Services {
		graphs[i] = gobuild.NoGraph()
		if service.Config.Command == nil {
			if graphs[i], err = gobuild.Load(ctx, service.Config.Built()); err != nil {
				return nil, err
			}
		}
	}
	return func(path string) (all []runner.Explanation, err error) {
		for i, service := range r.Services {
			all = append(all, runner.ExplainAlone(service.Config, graphs[i], path))
		}
		return all, nil
	}, nil
}

// notesOn returns further facts about a path, in clauses.
func notesOn(e runner.Explanation) (notes []string) {
	if e.Ignored != "" {
		notes = append(notes, "by "+e.Ignored)
	}
	if e.Package != "" && !strings.Contains(e.Reason, e.Package) {
		notes = append(notes, "in the folder of "+e.Package)
	}
	var reached []string
	if len(e.Reaches) > 0 {
		reached = append(reached, count(len(e.Reaches), "package"))
	}
	if len(e.Workers) > 0 {
		reached = append(reached, count(len(e.Workers), "worker"))
	}
	if len(reached) > 0 {
		notes = append(notes, "reaches "+strings.Join(reached, " and "))
	}
	if e.Alone != "" {
		notes = append(notes, "old workers exit first: "+e.Alone)
	}
	if !e.Exists {
		notes = append(notes, "it does not exist")
	}
	switch {
	case e.Polled != "":
		notes = append(notes, "polled: "+e.Polled)
	case e.Watched:
		notes = append(notes, "watched")
	default:
		notes = append(notes, "not watched")
	}
	if e.Built != "" {
		notes = append(notes, "last build: "+e.Built)
	}
	return notes
}

// told words the evidence: the use, the workers, the time, the function, how often.
func told(e runner.Evidence, now time.Time) string {
	parts := []string{e.What}
	if e.Missing {
		parts[0] = "looked for" + strings.TrimPrefix(e.What, "read")
	}
	if who := whoDid(e); who != "" {
		parts = append(parts, who)
	}
	if !e.First.IsZero() {
		when := e.First.Format("15:04:05.000")
		if now.Sub(e.First) > 12*time.Hour {
			when = e.First.Format("2006-01-02 15:04:05")
		}
		if e.Last.Sub(e.First) >= time.Millisecond {
			when += ", last at " + e.Last.Format("15:04:05.000")
		}
		parts = append(parts, "at "+when)
	}
	if e.By != "" {
		parts = append(parts, "in "+e.By)
	}
	if e.Count > 1 {
		parts = append(parts, count(e.Count, "time"))
	}
	if !e.Again.IsZero() {
		parts = append(parts, "again for a later request")
	}
	return strings.Join(parts, " · ")
}

// whoDid names the workers.
func whoDid(e runner.Evidence) string {
	pids := make([]string, len(e.Pids))
	for i, pid := range e.Pids {
		pids[i] = fmt.Sprint(pid)
	}
	switch len(pids) {
	case 0:
		return fmt.Sprintf("generation %d", e.Generation)
	case 1:
		return fmt.Sprintf("pid %s of generation %d", pids[0], e.Generation)
	}
	return fmt.Sprintf("pids %s of generation %d", strings.Join(pids, ", "), e.Generation)
}
