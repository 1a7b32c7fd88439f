package mcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotreload/control"
	"hotreload/problems"
	"hotreload/runner"
)

// The arguments of tools. The text of a jsonschema tag tells the agent what an argument is for.
type (
	ofService struct {
		Service string `json:"service,omitempty" jsonschema:"name of a service; without it: all services"`
	}
	waiting struct {
		Service string `json:"service,omitempty" jsonschema:"name of a service; without it: all services"`
		Timeout int    `json:"timeout_seconds,omitempty" jsonschema:"give up after so many seconds; 120 without it"`
	}
	replacing struct {
		Service string `json:"service,omitempty" jsonschema:"name of a service; without it: all services"`
		Rebuild bool   `json:"rebuild,omitempty" jsonschema:"build again, even if nothing has changed"`
		Timeout int    `json:"timeout_seconds,omitempty" jsonschema:"give up after so many seconds; 120 without it"`
	}
	ofLines struct {
		Service string `json:"service,omitempty" jsonschema:"name of a service; without it: all services"`
		Lines   int    `json:"lines,omitempty" jsonschema:"how many of the last lines; 100 without it"`
	}
	ofPath struct {
		Path string `json:"path" jsonschema:"path of a file, absolute or relative to the project's folder"`
	}
)

// The answers of tools, as data.
type (
	// outcome tells what became of a save.
	outcome struct {
		Serves   bool      `json:"serves" jsonschema:"true if all services serve what was saved last"`
		Services []service `json:"services"`
	}
	service struct {
		Name       string             `json:"name,omitempty"`
		Program    string             `json:"program"`
		State      string             `json:"state" jsonschema:"serves, stale, or what it is in the middle of"`
		Generation int                `json:"generation" jsonschema:"the generation of code that serves; 0 if none does"`
		Addresses  []string           `json:"addresses" jsonschema:"on which the service can be reached"`
		Failure    string             `json:"failure,omitempty" jsonschema:"why what was saved last does not serve"`
		Problems   []problems.Problem `json:"diagnostics"`
		Workers    []worker           `json:"workers"`
	}
	worker struct {
		Slot       int    `json:"slot"`
		Generation int    `json:"generation"`
		Pid        int    `json:"pid"`
		State      string `json:"state"`
		Uptime     string `json:"uptime"`
	}
	found struct {
		Problems []control.Problem `json:"diagnostics"`
	}
	printed struct {
		Lines []string `json:"lines"`
	}
	explained struct {
		Explanations []runner.Explanation `json:"explanations"`
	}
)

// usualWait is the limit of a wait without a given limit: agents give up on silent tools.
const usualWait = 120 * time.Second

// usualLines is how many lines logs returns without a number.
const usualLines = 100

func (s *Server) addTools(to *mcp.Server) {
	reads := &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: new(bool)}
	changes := &mcp.ToolAnnotations{DestructiveHint: new(bool), OpenWorldHint: new(bool)}
	tool := func(name, text string, hints *mcp.ToolAnnotations) *mcp.Tool {
		return &mcp.Tool{Name: name, Description: text, Annotations: hints}
	}
	add(s, to, tool("status", "Show the services: whether they serve what was saved last, on which addresses, their "+
		"workers, and what is wrong.", reads), s.status)
	add(s, to, tool("wait", "Wait until what was saved serves, or does not build or run; then it returns the problems "+
		"with file, line and column. Call it after each edit.", reads), s.wait)
	add(s, to, tool("problems", "List what is wrong with the code as it is: messages of the compiler and of generators, "+
		"panics of the running server, and uncaught errors of its pages in browsers, with file, line and column.",
		reads), s.problems)
	add(s, to, tool("logs", "Return the last lines that the server has written to stdout and stderr.", reads), s.logs)
	add(s, to, tool("explain", "Tell how a change of a file takes effect (rebuild, restart, live, none) and why.", reads),
		s.explain)
	add(s, to, tool("reload", "Replace the running workers by new ones with the newest code, then wait like wait. It is "+
		"not needed after an edit.", changes), s.reload)
	add(s, to, tool("request", "Send an HTTP request to the server, on its own address, and return the response.",
		&mcp.ToolAnnotations{}), s.request)
	add(s, to, tool("browser_console", "Return what pages of the server have last written to the consoles of browsers: "+
		"errors of scripts, too.", reads), s.console)
}

// do runs a tool with a client of hotreload. The results are the text for the model, and the data.
type do[In, Out any] func(ctx context.Context, c *control.Client, in In) (text string, out Out, err error)

// add adds a tool.
func add[In, Out any](s *Server, to *mcp.Server, tool *mcp.Tool, do do[In, Out]) {
	mcp.AddTool(to, tool, func(ctx context.Context, _ *mcp.CallToolRequest, in In) (*mcp.CallToolResult, Out, error) {
		var out Out
		c, err := s.Find(ctx)
		if err != nil {
			return nil, out, err
		}
		text, out, err := do(ctx, c, in)
		if err != nil {
			return nil, out, err
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, out, nil
	})
}

func (s *Server) status(ctx context.Context, c *control.Client, in ofService) (string, outcome, error) {
	all, err := c.Status(ctx, in.Service)
	text, out := s.outcomeOf(all)
	return text, out, err
}

func (s *Server) wait(ctx context.Context, c *control.Client, in waiting) (string, outcome, error) {
	return s.await(ctx, in.Timeout, func(ctx context.Context) ([]runner.Status, error) { return c.Wait(ctx, in.Service) })
}

func (s *Server) reload(ctx context.Context, c *control.Client, in replacing) (string, outcome, error) {
	how := "reload"
	if in.Rebuild {
		how = "rebuild"
	}
	return s.await(ctx, in.Timeout, func(ctx context.Context) ([]runner.Status, error) {
		return c.Replace(ctx, how, in.Service, control.Order{}, true)
	})
}

// await limits a wait.
func (s *Server) await(ctx context.Context, seconds int, ask func(context.Context) ([]runner.Status, error)) (string,
	outcome, error) {
	limit := usualWait
	if seconds > 0 {
		limit = time.Duration(seconds) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	all, err := ask(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no outcome within %s: call wait again, or status", limit)
	}
	text, out := s.outcomeOf(all)
	return text, out, err
}

// outcomeOf tells how services stand.
func (s *Server) outcomeOf(all []runner.Status) (string, outcome) {
	out := outcome{Serves: true, Services: []service{}}
	var text strings.Builder
	for _, state := range all {
		one := serviceOf(state)
		out.Services = append(out.Services, one)
		out.Serves = out.Serves && one.State == serves
		fmt.Fprintf(&text, "%s: generation %d, %s", cmp.Or(one.Name, one.Program), one.Generation, one.State)
		if len(one.Addresses) > 0 {
			text.WriteString(", on " + strings.Join(one.Addresses, ", "))
		}
		text.WriteString("\n")
		for _, p := range one.Problems {
			text.WriteString(p.Text(s.relative) + "\n")
		}
	}
	return text.String(), out
}

// serves tells that a service serves the last save.
const serves = "serves what was saved last"

func serviceOf(s runner.Status) service {
	one := service{Name: s.Name, Program: s.Program, Generation: s.Serving, Addresses: s.Addresses, Failure: s.Failure,
		Problems: s.Problems, State: s.Phase, Workers: []worker{}}
	switch {
	case s.Blocked != "":
		one.State = "no worker may be started: " + s.Blocked
	case s.Stale:
		one.State = "stale: what was saved last does not build or run"
	case s.Waits:
		one.State = "waits for other services"
	case s.Old:
		one.State = "serves old code, because it keeps its connections (hotreload restart " + s.Name + ")"
	case s.Wanted == 0 && !s.BuildOnly:
		one.State = "stopped"
	case s.Phase == "idle" && s.Quiet:
		one.State = serves
	}
	for _, w := range s.Workers {
		one.Workers = append(one.Workers, worker{w.Slot, w.Generation, w.Pid, w.State, w.Uptime.Round(time.Second).String()})
	}
	return one
}

func (s *Server) problems(ctx context.Context, c *control.Client, in ofService) (string, found, error) {
	all, err := c.Problems(ctx, []string{in.Service}, false)
	out := found{Problems: all}
	if len(all) == 0 {
		return "no problems", out, err
	}
	var text strings.Builder
	for _, p := range all {
		text.WriteString(p.Text(s.relative) + "\n")
	}
	return text.String(), out, err
}

func (s *Server) logs(ctx context.Context, c *control.Client, in ofLines) (string, printed, error) {
	out := printed{Lines: []string{}}
	last := usualLines
	if in.Lines > 0 {
		last = in.Lines
	}
	stream := control.Stream{What: "logs", To: in.Service, Last: last, Ends: true}
	err := c.Follow(ctx, stream, func(n control.News) error {
		if n.Event == "output" {
			out.Lines = append(out.Lines, n.Text)
		}
		return nil
	})
	return strings.Join(out.Lines, "\n"), out, err
}

func (s *Server) explain(ctx context.Context, c *control.Client, in ofPath) (string, explained, error) {
	path := in.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, path)
	}
	all, err := c.Explain(ctx, c.Named(filepath.Clean(path)))
	var text strings.Builder
	for _, e := range all {
		name := s.relative(e.Path)
		if e.Service != "" {
			name = e.Service + ": " + name
		}
		fmt.Fprintf(&text, "%s → %s: %s\n", name, e.Class, e.Reason)
		if e.Ignored != "" {
			fmt.Fprintf(&text, "ignored by %s\n", e.Ignored)
		}
	}
	return text.String(), explained{append([]runner.Explanation{}, all...)}, err
}

func (s *Server) console(ctx context.Context, c *control.Client, in ofLines) (string, printed, error) {
	last := usualLines
	if in.Lines > 0 {
		last = in.Lines
	}
	out := printed{Lines: []string{}}
	all, err := c.Console(ctx, in.Service, last)
	for _, n := range all {
		out.Lines = append(out.Lines, n.Level+" "+n.Page+": "+n.Text)
	}
	if len(out.Lines) == 0 {
		return "no page has written anything (or [browser] in hotreload.toml does not say console = \"errors\" or " +
			"\"all\", which is needed if hotreload was not started by an agent)", out, err
	}
	return strings.Join(out.Lines, "\n"), out, err
}

// relative names a file as the agent does.
func (s *Server) relative(file string) string {
	if rel, err := filepath.Rel(s.Dir, file); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return file
}
