//go:build unix

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// agent is a coding agent: it uses hotreload's tools through the SDK's client, and edits files.
type agent struct {
	t       *testing.T
	ctx     context.Context
	session *mcp.ClientSession
}

// newAgent starts hotreload mcp in a folder, like a coding agent.
func newAgent(t *testing.T, dir string) *agent {
	t.Helper()
	notShort(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	t.Cleanup(cancel)
	command := exec.Command(os.Args[0], "mcp")
	command.Dir, command.Stderr = dir, os.Stderr
	command.Env = append(os.Environ(), beHotreload+"=1", "XDG_RUNTIME_DIR="+runtimeOf(t, dir))
	client := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.CommandTransport{Command: command}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Errorf("hotreload mcp ends with %v", err)
		}
	})
	return &agent{t, ctx, session}
}

// call calls a tool, and returns its text and its data; failed: the tool failed.
func (a *agent) call(tool string, arguments map[string]any) (text string, data map[string]any, failed bool) {
	a.t.Helper()
	result, err := a.session.CallTool(a.ctx, &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		a.t.Fatalf("%s: %v", tool, err)
	}
	for _, content := range result.Content {
		if c, ok := content.(*mcp.TextContent); ok {
			text += c.Text
		}
	}
	raw, err := json.Marshal(result.StructuredContent)
	if err != nil {
		a.t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &data); err != nil && !result.IsError {
		a.t.Errorf("%s: %v in %s", tool, err, raw)
	}
	return text, data, result.IsError
}

// says calls a tool that must succeed, and checks its text.
func (a *agent) says(tool string, arguments map[string]any, want ...string) map[string]any {
	a.t.Helper()
	text, data, failed := a.call(tool, arguments)
	if failed {
		a.t.Fatalf("%s failed: %s", tool, text)
	}
	for _, want := range want {
		if !strings.Contains(text, want) {
			a.t.Errorf("%s returns\n%s\nwant %q in it", tool, text, want)
		}
	}
	return data
}

// TestAgentsLoop: a coding agent has only its tools and the files. The agent edits, waits, gets the problem with its
// place, fixes the problem, waits, and sends a request to the service.
func TestAgentsLoop(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	a := newAgent(t, dir)
	var names []string
	for tool, err := range a.session.Tools(a.ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, tool.Name)
	}
	slices.Sort(names)
	want := []string{"browser_console", "explain", "logs", "problems", "reload", "request", "status", "wait"}
	if !slices.Equal(names, want) {
		t.Errorf("have the tools %v, want %v", names, want)
	}
	if text, _, failed := a.call("wait", nil); !failed || !strings.Contains(text, "no hotreload runs here") ||
		!strings.Contains(text, "hint: ") {
		t.Errorf("without a running hotreload: %v, %s", failed, text)
	}

	s := setup{env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	if data := a.says("wait", nil, "generation 1, serves what was saved last", s.addr); data["serves"] != true {
		t.Errorf("wait: have %v", data)
	}
	a.says("request", map[string]any{"path": "/"}, "200 OK\n", "\n\nv1")

	save(t, filepath.Join(dir, "version.go"), "package main\n\nconst version = undefined\n\nfunc boot() {}\n")
	data := a.says("wait", nil, "stale", "version.go:3:17: undefined: undefined\n")
	problem := data["services"].([]any)[0].(map[string]any)["diagnostics"].([]any)[0].(map[string]any)
	if data["serves"] != false || problem["file"] != filepath.Join(dir, "version.go") || problem["line"] != 3.0 {
		t.Errorf("wait: have %v", data)
	}
	a.says("problems", nil, "version.go:3:17: undefined: undefined\n")
	a.says("request", map[string]any{"path": "/"}, "v1") // in the meantime

	save(t, filepath.Join(dir, "version.go"), version("v2", ""))
	a.says("wait", map[string]any{"timeout_seconds": 60}, "generation 2, serves what was saved last")
	a.says("problems", nil, "no problems")
	answer := a.says("request", map[string]any{"path": "/?a=b", "method": "post", "body": "x",
		"headers": map[string]any{"X-Test": "1"}}, "v2")
	if answer["status"] != 200.0 || answer["body"] != "v2" {
		t.Errorf("request: have %v", answer)
	}

	a.says("browser_console", nil, "no page has written anything")
	a.says("explain", map[string]any{"path": "version.go"}, "version.go → rebuild: ")
	a.says("logs", map[string]any{"lines": 1}, "listening on "+s.addr)
	a.says("reload", nil, "generation 3, serves what was saved last")
	a.says("status", nil, "generation 3")
	for _, wrong := range []struct {
		tool, says string
		arguments  map[string]any
	}{
		{"status", "no such service", map[string]any{"service": "nobody"}},
		{"request", "must begin with one slash", map[string]any{"path": "http://example.com/"}},
		{"request", "must begin with one slash", map[string]any{"path": "//example.com/"}},
		{"request", "is none of the addresses", map[string]any{"path": "/", "address": "example.com:80"}},
		{"request", "path", map[string]any{}},
		{"wait", "no outcome within 1s", map[string]any{"timeout_seconds": 1}},
	} {
		if wrong.tool == "wait" { // a slow build
			s.save("version.go", version("v4", "time.Sleep(20 * time.Second)"))
		}
		if text, _, failed := a.call(wrong.tool, wrong.arguments); !failed || !strings.Contains(text, wrong.says) {
			t.Errorf("%s %v: failed %v, text %s", wrong.tool, wrong.arguments, failed, text)
		}
	}
}

// TestAgentCancelsAWait: an agent that cancels wait can use other tools, and closing stdin ends the server.
func TestAgentCancelsAWait(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"version.go": version("v1", "time.Sleep(time.Hour)")})
	s := setup{env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, "--start-timeout", "1h", ".", "{addr}")
	s.waitFor(`building`)
	a := newAgent(t, dir)
	a.says("status", nil, "generation 0")
	ctx, cancel := context.WithCancel(a.ctx)
	over := make(chan error, 1)
	go func() { // ends with cancel
		_, err := a.session.CallTool(ctx, &mcp.CallToolParams{Name: "wait"})
		over <- err
	}()
	a.says("status", nil, "generation 0") // answered while wait is in progress
	cancel()
	if err := <-over; err == nil {
		t.Error("a cancelled wait has an outcome")
	}
	a.says("status", nil, "generation 0")
}
