package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"hotreload/runner"
	"hotreload/supervisor"
	"hotreload/tests"
)

// events lists all kinds of events. go test -update writes docs/events.md and docs/events.schema.json from this list.
// An optional field has a question mark.
var events = []struct{ name, fields, text string }{
	{"listening", "text", "hotreload has opened the service's sockets: at its start, and when others are configured. " +
		"`text` lists the addresses."},
	{"waits", "text", "The service waits until the services in `text` serve."},
	{"changed", "files?", "Files changed. Changes of class `live` are reported at once, others when the tree is quiet."},
	{"build_started", "", "A build has begun. If one was running, it was killed."},
	{"build_ended", "text?", "No build is running any more. `text` tells how the program was built. The outcome follows " +
		"as another event, when the tree is quiet."},
	{"build_confirmed", "", "The linker has made the same program as the patch by which the newest one was built."},
	{"build_failed", "text diagnostics ms? serving?", "The saved code does not build, or the command of a rule failed. " +
		"Generation `serving` keeps serving."},
	{"unchanged", "files? ms?", "The build has made the program that serves already: nothing is replaced."},
	{"ran", "files? ms?", "The commands of rules have run for these files, and nothing is replaced."},
	{"replacing", "generation files?", "Workers of a new generation are being started."},
	{"reloaded", "generation files? ms? text?", "The new generation serves, and no older worker accepts connections. " +
		"`ms` is the time since the first change. If `text` is `is running`, it is not known whether it serves; " +
		"`listens` may follow."},
	{"listens", "generation worker ms?", "A generation that was only known to run has begun to listen."},
	{"failed", "generation serving? worker text diagnostics", "A generation died or hung before it was ready. " +
		"Generation `serving` serves, or is being started again."},
	{"problems", "diagnostics", "All that is wrong with the code as it is now, with its places. The list replaces the " +
		"one before, and an empty list means that all is well. Told whenever the list changes. A client that begins to " +
		"listen gets the list first, if there have been problems."},
	{"kept", "files?", "Files changed, and the workers of a service with `reloadable = false` keep the old code."},
	{"halted", "workers?", "Workers were stopped on request. `workers` is how many are still wanted."},
	{"stopping", "workers?", "hotreload was asked to end, and waits for so many workers."},
	{"serving", "generation ms?", "The generation is ready in all slots; older workers are asked to exit."},
	{"worker_started", "worker", "A worker's process has started."},
	{"worker_ready", "worker text ms?", "A worker is ready. `text` tells how hotreload knows."},
	{"worker_drains", "worker", "A worker was asked to finish its requests and exit."},
	{"worker_left", "worker text ms?", "A worker has exited as expected. `text` is its exit status."},
	{"worker_died", "worker text diagnostics? ms?", "A worker has exited unexpectedly. `text` is its exit status and " +
		"the end of its stderr. `diagnostics` is the panic that ended it, if one did."},
	{"worker_killed", "worker text", "A worker did not exit within its grace, and is killed."},
	{"worker_retires", "worker", "A worker is replaced by another of its generation."},
	{"scaled", "workers?", "As many workers run as should."},
	{"forecast", "generation workers? ms?", "A rolling replacement still has to replace so many workers, which will " +
		"take about `ms`."},
	{"message", "worker data", "A worker has sent a message (see [worker](worker.md)). `data` is the message."},
	{"throttled", "worker", "A worker sends messages too fast and is slowed down."},
	{"tried_alone", "worker text", "A new worker is tried without the old ones. `text` tells why."},
	{"stop_first", "worker text", "From now on, old workers exit before new ones start. `text` tells why."},
	{"runs_beside", "text", "The reason for that is gone."},
	{"postponed", "text ms?", "The file in `text` changes just after each restart for it. The next restart comes when " +
		"it has not changed for `ms`."},
	{"blocked", "text", "No worker may be started from now on (`hotreload disable`); those that run stay. `text` tells " +
		"why. Told again when the reason is another."},
	{"unblocked", "", "Workers may be started again, and those that are missing are started."},
	{"no_agent", "text", "The program is built without the agent. `text` tells why."},
	{"rejected", "text", "A process was refused at the workers' socket."},
	{"mended", "text", "A worker had stopped a shared socket for all, or had made it block. hotreload has mended it. " +
		"`text` is the address."},
	{"undone", "text", "An old worker has removed the file in `text` that its successor had made."},
	{"beside", "text", "The program writes the file in `text` next to its executable, in hotreload's cache folder."},
	{"tests_started", "packages", "Tests on save begin, in so many packages. Events of tests have no `service`."},
	{"test_failed", "package test? diagnostics", "A test has failed. It may fail twice in a run: what failed last time " +
		"runs first, and again with the rest."},
	{"tests_ended", "text packages passed? failed? ms?", "All tests that the saves reach have ended. `text` is `pass` " +
		"or `fail`, `ms` the time since the first save."},
	{"tests_interrupted", "", "A newer save has ended the tests."},
	{"tests_broken", "text", "`go test` has tested nothing, or the packages cannot be listed. `text` tells why."},
	{"unwatched", "text", "Something cannot be watched, or has to be polled."},
	{"noticed", "text", "Something about the machine, or about earlier builds, that you should know."},
	{"graph_failed", "text", "The go command cannot list the program's packages."},
	{"env_failed", "text", "An environment file cannot be read."},
	{"output", "worker stream text?", "A line that a worker has written. Only on request: `output=1`, and in `/v1/logs`."},
	{"browser", "level page? text", "A page in a browser has written to its console ([browser](browser.md))."},
	{"dropped", "text", "The client was too slow: so many events or lines are missing here."},
}

// fields are the fields of events, besides time, service and event.
var fields = []struct{ name, schema, text string }{
	{"generation", `{"type": "integer", "minimum": 1}`, "the generation that the event is about"},
	{"serving", `{"type": "integer", "minimum": 1}`, "the generation that serves; missing if none does"},
	{"worker", `{"$ref": "#/$defs/worker"}`, "`slot`, `generation`, `pid`"},
	{"files", `{"type": "array", "items": {"$ref": "#/$defs/file"}}`, "changed files: `path` (absolute), `op` " +
		"(`created`, `written`, `removed`), `class`, `reason`; missing if nothing has changed"},
	{"diagnostics", `{"type": "array", "items": {"$ref": "#/$defs/diagnostic"}}`, "problems: `message`, `tool` (`go`, " +
		"`go test`, " +
		"`panic`, `browser`, `hotreload`, or the command of a rule); with a place `file` (absolute), `line` (from 1), " +
		"`column` (from 1, in bytes), `package`"},
	{"ms", `{"type": "number", "minimum": 0}`, "milliseconds"},
	{"workers", `{"type": "integer", "minimum": 0}`, "a number of workers; missing for 0"},
	{"packages", `{"type": "integer", "minimum": 1}`, "a number of packages"},
	{"passed", `{"type": "integer", "minimum": 1}`, "a number of tests, without subtests; missing for 0"},
	{"failed", `{"type": "integer", "minimum": 1}`, "a number of tests, without subtests; missing for 0"},
	{"package", `{"type": "string"}`, "an import path"},
	{"test", `{"type": "string"}`, "a test's name; missing for the package as a whole"},
	{"stream", `{"enum": ["stdout", "stderr"]}`, "where a worker has written"},
	{"page", `{"type": "string"}`, "the address of a page"},
	{"level", `{"enum": ["error", "warn", "info", "log", "debug"]}`, "how grave it is"},
	{"text", `{"type": "string"}`, "words"},
	{"data", `{}`, "any JSON value"},
}

const definitions = `{
  "worker": {
    "type": "object", "additionalProperties": false, "required": ["slot", "generation", "pid"],
    "properties": {"slot": {"type": "integer", "minimum": 0}, "generation": {"type": "integer", "minimum": 0},
      "pid": {"type": "integer"}}
  },
  "file": {
    "type": "object", "additionalProperties": false, "required": ["path", "op", "class", "reason"],
    "properties": {"path": {"type": "string"}, "op": {"enum": ["created", "written", "removed"]},
      "class": {"enum": ["none", "test", "live", "startup", "restart", "rebuild"]}, "reason": {"type": "string"}}
  },
  "diagnostic": {
    "type": "object", "additionalProperties": false, "required": ["message", "tool"],
    "properties": {"file": {"type": "string"}, "line": {"type": "integer", "minimum": 1},
      "column": {"type": "integer", "minimum": 1}, "message": {"type": "string"}, "package": {"type": "string"},
      "tool": {"type": "string"}},
    "dependentRequired": {"line": ["file"], "column": ["line"]}
  }
}`

// schema is docs/events.schema.json.
func schema(t *testing.T) []byte {
	t.Helper()
	named := map[string]string{}
	for _, f := range fields {
		named[f.name] = f.schema
	}
	var kinds []string
	for _, e := range events {
		properties := []string{`"time": {"type": "string", "format": "date-time"}`, `"service": {"type": "string"}`,
			fmt.Sprintf(`"event": {"const": %q}`, e.name)}
		required := []string{`"time"`, `"event"`}
		for _, field := range strings.Fields(e.fields) {
			name, optional := strings.CutSuffix(field, "?")
			if named[name] == "" {
				t.Fatalf("%s has a field that is not described: %s", e.name, name)
			}
			properties = append(properties, fmt.Sprintf("%q: %s", name, named[name]))
			if !optional {
				required = append(required, fmt.Sprintf("%q", name))
			}
		}
		kinds = append(kinds, fmt.Sprintf(`{"description": %q, "type": "object", "additionalProperties": false,
			"required": [%s], "properties": {%s}}`, plainText(e.text), strings.Join(required, ", "),
			strings.Join(properties, ", ")))
	}
	text := fmt.Sprintf(`{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "hotreload events",
		"description": %q, "oneOf": [%s], "$defs": %s}`, "An event of hotreload, as of version "+EventsVersion+
		". Later versions may add events and fields.", strings.Join(kinds, ", "), definitions)
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(text), "", "  "); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return append(indented.Bytes(), '\n')
}

var markdown = regexp.MustCompile("`|\\[([^]]*)\\]\\([^)]*\\)")

func plainText(text string) string { return markdown.ReplaceAllString(text, "$1") }

// page is docs/events.md.
func page() []byte {
	var b strings.Builder
	paragraph := func(text string) {
		for width := 0; len(text) > 0; {
			word, rest, _ := strings.Cut(text, " ")
			if text = rest; width > 0 && width+1+len(word) > 120 {
				width = 0
				b.WriteString("\n")
			} else if width > 0 {
				width++
				b.WriteString(" ")
			}
			b.WriteString(word)
			width += len(word)
		}
		b.WriteString("\n\n")
	}
	b.WriteString("# Events\n\n")
	paragraph("`hotreload events` and `GET /v1/events` report what happens, a line of JSON for each event. This is " +
		"version " + EventsVersion + " of the events, which `GET /v1/info` returns as `events`. Within version 1, events " +
		"and fields may be added, but none is removed and none changes its meaning: ignore those that you do not know. " +
		"[events.schema.json](events.schema.json) is a JSON Schema for exactly this version.")
	paragraph("Each event has `time` (RFC 3339), `event` (its name), and `service` if there are several services.")
	b.WriteString("## Fields\n\n| field | |\n| --- | --- |\n")
	for _, f := range fields {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.name, f.text)
	}
	b.WriteString("\n## Events and their fields\n\nA field with ? may be missing.\n\n" +
		"| event | fields | meaning |\n| --- | --- | --- |\n")
	for _, e := range events {
		var all []string
		for _, field := range strings.Fields(e.fields) {
			name, optional := strings.CutSuffix(field, "?")
			if name = "`" + name + "`"; optional {
				name += "?"
			}
			all = append(all, name)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.name, strings.Join(all, " "), e.text)
	}
	return []byte(b.String())
}

var update = flag.Bool("update", false, "write docs/events.md and docs/events.schema.json")

func TestEventsAreDocumented(t *testing.T) {
	for name, want := range map[string][]byte{"events.md": page(), "events.schema.json": schema(t)} {
		path := filepath.Join("..", "docs", name)
		if *update {
			if err := os.WriteFile(path, want, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s is not what the table says (%v): go test ./control -update writes it", path, err)
		}
	}
}

// ofRunner and ofSupervisor are an event of each type. TestEveryEventFitsTheSchema checks that none is missing.
var (
	ofRunner = []runner.Event{
		runner.Listening{}, runner.NoAgent{}, runner.Noticed{}, runner.Watching{}, runner.Unwatched{}, runner.GraphFailed{},
		runner.Changed{}, runner.HookEnded{}, runner.EnvFailed{}, runner.Beside{}, runner.Postponed{},
		runner.BuildStarted{}, runner.BuildEnded{}, runner.BuildFailed{}, runner.Unchanged{}, runner.Ran{},
		runner.Patchable{}, runner.Confirmed{},
		runner.Replacement{}, runner.Reloaded{}, runner.Service{}, runner.ProblemsNow{}, runner.Waits{}, runner.LeftRunning{},
		runner.SlotsStopped{}, runner.Leaving{},
	}
	ofSupervisor = []supervisor.Event{
		supervisor.Started{}, supervisor.BecameReady{}, supervisor.Serving{}, supervisor.Listens{}, supervisor.Replaced{},
		supervisor.Forecast{}, supervisor.Scaled{}, supervisor.Blocked{}, supervisor.Unblocked{}, supervisor.Failed{},
		supervisor.Exited{}, supervisor.Retiring{}, supervisor.Message{}, supervisor.Throttled{}, supervisor.Drains{},
		supervisor.GraceOver{}, supervisor.TriedAlone{}, supervisor.RunsAlone{}, supervisor.RunsBeside{},
		supervisor.CannotHandOver{}, supervisor.OwnsListener{}, supervisor.FileOpened{}, supervisor.FileWritten{},
		supervisor.FilesTold{}, supervisor.NoAgent{}, supervisor.Rejected{}, supervisor.GenerationGone{},
		supervisor.Dropped{}, supervisor.ListenerMended{}, supervisor.Stopped{}, supervisor.StoppedBy{},
		supervisor.Undone{}, supervisor.Held{},
	}
	ofTests = []tests.Event{
		tests.Started{}, tests.Failed{}, tests.Tested{}, tests.Ended{}, tests.Interrupted{}, tests.Unreached{},
		tests.Broken{}, tests.Unwatched{}, tests.ProblemsNow{},
	}
	untoldTests = []string{"Tested", "Unreached", "Unwatched", "ProblemsNow"} // the last one becomes the runner's

	untold = []string{ // of no use to programs
		"Watching", "Patchable", "HookEnded", "Replaced", "OwnsListener", "FileOpened", "FileWritten", "FilesTold",
		"GenerationGone", "Dropped", "Held", "Stopped", "StoppedBy",
	}
)

// eventTypes lists the types of a package that are events.
func eventTypes(t *testing.T, folder string) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v", folder, err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == "event" && f.Recv != nil {
				names = append(names, f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// filled sets the fields of a value: full sets all fields, sparse leaves out optional ones.
func filled(v reflect.Value, full bool) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Int, reflect.Int32, reflect.Int64:
		if _, isTime := v.Interface().(time.Duration); full || !isTime {
			v.SetInt(1)
		}
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Bool:
		v.SetBool(full)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[supervisor.Reason]() {
			v.Set(reflect.ValueOf(supervisor.Reason{Kind: supervisor.BySilence}))
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				filled(v.Field(i), full)
			}
		}
	case reflect.Slice:
		switch {
		case v.Type().Elem().Kind() == reflect.Uint8:
			v.SetBytes([]byte(`{"a": 1}`))
		case full || slices.Contains([]string{"string", "Address", "Problem"}, v.Type().Elem().Name()):
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			filled(v.Index(0), full)
		}
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[error]() {
			v.Set(reflect.ValueOf(errors.New("x")))
		}
	}
}

func filledEvent[T any](event T, full bool) T {
	v := reflect.New(reflect.TypeOf(event)).Elem()
	filled(v, full)
	return v.Interface().(T)
}

// samples returns all possible events, each once with all fields and once with the required ones only.
func samples(t *testing.T) (all []runner.Event) {
	t.Helper()
	var names, runners, supervisors []string
	for _, full := range []bool{true, false} {
		for _, event := range ofRunner {
			if _, wraps := event.(runner.Service); !wraps {
				all = append(all, filledEvent(event, full))
			}
			runners = append(runners, reflect.TypeOf(event).Name())
		}
		for _, event := range ofSupervisor {
			wrapped := filledEvent(runner.Service{}, full)
			wrapped.Event = filledEvent(event, full)
			if _, ok := event.(supervisor.Exited); !ok {
				if _, ok := event.(supervisor.Failed); !ok {
					wrapped.Problems = nil // only these have any
				}
			} else if full {
				wrapped.Problems = nil // expected
			}
			all = append(all, wrapped)
			supervisors = append(supervisors, reflect.TypeOf(event).Name())
		}
	}
	for folder, have := range map[string][]string{"../runner": runners, "../supervisor": supervisors} {
		slices.Sort(have)
		want := eventTypes(t, strings.TrimPrefix(folder, "../"))
		if have = slices.Compact(have); !slices.Equal(have, want) {
			t.Errorf("the events of %s are %v, and the test has %v", folder, want, have)
		}
		names = append(names, want...)
	}
	for _, name := range untold {
		if !slices.Contains(names, name) {
			t.Errorf("there is no event %s", name)
		}
	}
	return all
}

// TestEveryEventFitsTheSchema checks every event of the code against docs/events.schema.json, and finds events of the
// schema that the code never sends.
func TestEveryEventFitsTheSchema(t *testing.T) {
	var parsed jsonschema.Schema
	if err := json.Unmarshal(schema(t), &parsed); err != nil {
		t.Fatal(err)
	}
	resolved, err := parsed.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	fits := func(n any) error {
		text, err := json.Marshal(n)
		if err != nil {
			return err
		}
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			return err
		}
		return resolved.Validate(value)
	}
	j := NewJournal()
	l := j.listen(0, every)
	for _, event := range samples(t) {
		name := reflect.TypeOf(event).Name()
		if service, ok := event.(runner.Service); ok {
			name = reflect.TypeOf(service.Event).Name()
		}
		if _, ok := newsOf(event); ok == slices.Contains(untold, name) {
			t.Errorf("%s is told: %v", name, ok)
		}
		j.Tell("web", event)
	}
	for _, full := range []bool{true, false} {
		var have []string
		for _, event := range ofTests {
			name := reflect.TypeOf(event).Name()
			have = append(have, name)
			event = filledEvent(event, full)
			if _, ok := testNews(event); ok == slices.Contains(untoldTests, name) {
				t.Errorf("tests.%s is told: %v", name, ok)
			}
			j.TellTests(event)
		}
		slices.Sort(have)
		if want := eventTypes(t, "tests"); !slices.Equal(have, want) {
			t.Errorf("the events of tests are %v, and the test has %v", want, have)
		}
	}
	j.Output("web", supervisor.Worker{}, supervisor.Stdout, []byte("a line\n\n"))
	for _, level := range []string{"error", "warn", "info", "log", "debug"} {
		j.Add(News{Service: "web", Event: "browser", Level: level, Page: "/", Text: "x"})
	}
	made := map[string]bool{"dropped": true}
	for len(l.news) > 0 {
		n := <-l.news
		made[n.Event] = true
		if err := fits(n); err != nil {
			text, _ := json.Marshal(n)
			t.Errorf("%s does not fit: %.60s", text, err)
		}
	}
	if err := fits(News{Time: time.Now(), Event: "dropped", Text: "3"}); err != nil {
		t.Error(err)
	}
	for _, e := range events {
		if !made[e.name] {
			t.Errorf("nothing makes the event %s", e.name)
		}
		delete(made, e.name)
	}
	if len(made) > 0 {
		t.Errorf("not in the table: %v", slices.Collect(maps.Keys(made)))
	}
	for _, wrong := range []any{
		News{Time: time.Now(), Event: "no such event"},
		News{Time: time.Now(), Event: "serving"},
		News{Time: time.Now(), Event: "serving", Generation: 1, Workers: 2},
		map[string]any{"time": "2026-11-26T12:00:00Z", "event": "problems", "diagnostics": []any{map[string]any{"line": 1}}},
	} {
		if fits(wrong) == nil {
			t.Errorf("it fits, and should not: %+v", wrong)
		}
	}
}
