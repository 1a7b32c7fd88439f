package control

import (
	"encoding/json"
	"strings"
	"time"

	"hotreload/problems"
	"hotreload/runner"
	"hotreload/supervisor"
)

// EventsVersion is the version of the events, see docs/events.md. The first number rises when an event or a field is
// removed or changes its meaning, the second when one is added.
const EventsVersion = "1.2"

// News is an event as a line of JSON: the terminal's news, for programs. Fields without a meaning for the event are
// omitted. docs/events.md and its schema come from the tables in events_test.go, which hold each event to them.
type News struct {
	Time    time.Time `json:"time"`
	Service string    `json:"service,omitempty"`
	Event   string    `json:"event"` // see newsOf; "output" is a line of a worker, "dropped" marks missing lines

	Generation int     `json:"generation,omitempty"`
	Serving    int     `json:"serving,omitempty"` // generation that keeps serving if the newest does not serve
	Worker     *Named  `json:"worker,omitempty"`
	Files      []File  `json:"files,omitempty"`
	Took       float64 `json:"ms,omitempty"` // milliseconds
	Workers    int     `json:"workers,omitempty"`
	Stream     string  `json:"stream,omitempty"` // of output: stdout, stderr
	Text       string  `json:"text,omitempty"`   // the compiler's message, a worker's output, or the reason

	Data json.RawMessage `json:"data,omitempty"` // a worker's message

	Diagnostics []problems.Problem `json:"diagnostics,omitzero"` // what is wrong, with its places in the source

	Packages int    `json:"packages,omitempty"` // for tests: the number of packages,
	Passed   int    `json:"passed,omitempty"`   // of tests that passed,
	Failed   int    `json:"failed,omitempty"`   // and that failed;
	Package  string `json:"package,omitempty"`  // one package, by import path,
	Test     string `json:"test,omitempty"`     // and its test; missing for the package as a whole

	Page  string `json:"page,omitempty"`  // for "browser", a page's console output: the page's address,
	Level string `json:"level,omitempty"` // and error, warn, info, log or debug
}

// Named is a worker in News.
type Named struct {
	Slot       int `json:"slot"`
	Generation int `json:"generation"`
	Pid        int `json:"pid"`
}

// File is a changed file in News.
type File struct {
	Path   string `json:"path"` // absolute
	Op     string `json:"op"`
	Class  string `json:"class"`
	Reason string `json:"reason"`
}

func filesOf(effects []runner.Effect) (files []File) {
	for _, e := range effects {
		files = append(files, File{Path: e.Path, Op: e.Op.String(), Class: e.Class.String(), Reason: e.Reason})
	}
	return files
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func named(w supervisor.Worker) *Named {
	return &Named{Slot: w.Slot, Generation: w.Generation, Pid: w.Pid}
}

// newsOf converts an event; ok is false for an event of no use to programs.
func newsOf(event runner.Event) (n News, ok bool) {
	switch e := event.(type) {
	case runner.Listening:
		var all []string
		for _, a := range e.Addresses {
			all = append(all, a.String())
		}
		return News{Event: "listening", Text: strings.Join(all, " ")}, len(all) > 0
	case runner.Waits:
		return News{Event: "waits", Text: strings.Join(e.For, " ")}, true
	case runner.NoAgent:
		return News{Event: "no_agent", Text: e.Reason}, true
	case runner.Noticed:
		return News{Event: "noticed", Text: e.Err.Error()}, true
	case runner.Unwatched:
		return News{Event: "unwatched", Text: e.Err.Error()}, true
	case runner.GraphFailed:
		return News{Event: "graph_failed", Text: e.Err.Error()}, true
	case runner.EnvFailed:
		return News{Event: "env_failed", Text: e.Err.Error()}, true
	case runner.Beside:
		return News{Event: "beside", Text: e.Path}, true
	case runner.Postponed:
		return News{Event: "postponed", Text: e.Path, Took: milliseconds(e.For)}, true
	case runner.Changed:
		return News{Event: "changed", Files: filesOf(e.Effects)}, true
	case runner.BuildStarted:
		return News{Event: "build_started"}, true
	case runner.BuildEnded:
		return News{Event: "build_ended", Text: e.Way}, true
	case runner.Confirmed:
		return News{Event: "build_confirmed"}, true
	case runner.BuildFailed:
		return News{Event: "build_failed", Text: e.Err.Error(), Took: milliseconds(e.Took), Serving: e.Serving,
			Diagnostics: e.Problems}, true
	case runner.ProblemsNow:
		return News{Event: "problems", Diagnostics: e.All}, true
	case runner.Unchanged:
		return News{Event: "unchanged", Files: filesOf(e.Effects), Took: milliseconds(e.Took)}, true
	case runner.Ran:
		return News{Event: "ran", Files: filesOf(e.Effects), Took: milliseconds(e.Took)}, true
	case runner.Replacement:
		return News{Event: "replacing", Generation: e.Generation, Files: filesOf(e.Effects)}, true
	case runner.Reloaded:
		news := News{Event: "reloaded", Generation: e.Generation, Files: filesOf(e.Effects), Took: milliseconds(e.Total)}
		if e.Runs {
			news.Text = "is running"
		}
		return news, true
	case runner.LeftRunning:
		return News{Event: "kept", Files: filesOf(e.Effects)}, true
	case runner.SlotsStopped:
		return News{Event: "halted", Workers: e.Of - e.Slots}, true
	case runner.Leaving:
		return News{Event: "stopping", Workers: len(e.Workers)}, true
	case runner.Service:
		n, ok := workerNews(e.Event)
		n.Diagnostics = e.Problems
		return n, ok
	}
	return News{}, false
}

func workerNews(event supervisor.Event) (News, bool) {
	switch e := event.(type) {
	case supervisor.Started:
		return News{Event: "worker_started", Worker: named(e.Worker)}, true
	case supervisor.BecameReady:
		return News{Event: "worker_ready", Worker: named(e.Worker), Took: milliseconds(e.After), Text: e.How.String()}, true
	case supervisor.Listens:
		return News{Event: "listens", Generation: e.Generation, Worker: named(e.Worker), Took: milliseconds(e.After)}, true
	case supervisor.Message:
		return News{Event: "message", Worker: named(e.Worker), Data: e.Data}, true
	case supervisor.Throttled:
		return News{Event: "throttled", Worker: named(e.Worker)}, true
	case supervisor.Retiring:
		return News{Event: "worker_retires", Worker: named(e.Worker)}, true
	case supervisor.Drains:
		return News{Event: "worker_drains", Worker: named(e.Worker)}, true
	case supervisor.Undone:
		return News{Event: "undone", Text: e.Path}, true
	case supervisor.Exited:
		text := e.Exit.String()
		if e.Reason != "" {
			text = e.Reason
		}
		if e.Expected {
			return News{Event: "worker_left", Worker: named(e.Worker), Text: text, Took: milliseconds(e.After)}, true
		}
		return News{Event: "worker_died", Worker: named(e.Worker), Text: text + "\n" + e.Exit.Tail,
			Took: milliseconds(e.After)}, true
	case supervisor.GraceOver:
		return News{Event: "worker_killed", Worker: named(e.Worker), Text: "not finished within " + e.Grace.String()}, true
	case supervisor.Failed:
		text := e.Reason
		if text == "" {
			text = e.Exit.String()
		}
		return News{Event: "failed", Generation: e.Generation, Serving: e.Serving, Worker: named(e.Worker),
			Text: strings.TrimSpace(text + "\n" + e.Exit.Tail)}, true
	case supervisor.Serving:
		return News{Event: "serving", Generation: e.Generation, Took: milliseconds(e.After)}, true
	case supervisor.Scaled:
		return News{Event: "scaled", Workers: e.Workers}, true
	case supervisor.Forecast:
		return News{Event: "forecast", Generation: e.Generation, Workers: e.Of - e.Done, Took: milliseconds(e.Rest)}, true
	case supervisor.TriedAlone:
		return News{Event: "tried_alone", Worker: named(e.Worker), Text: e.Reason.String()}, true
	case supervisor.RunsAlone:
		return News{Event: "stop_first", Worker: named(e.Worker), Text: e.Reason.String()}, true
	case supervisor.RunsBeside:
		return News{Event: "runs_beside", Text: e.Reason.String()}, true
	case supervisor.CannotHandOver:
		return News{Event: "stop_first", Worker: named(e.Worker), Text: e.Address.String() + " cannot be handed over"}, true
	case supervisor.Blocked:
		return News{Event: "blocked", Text: e.Reason}, true
	case supervisor.Unblocked:
		return News{Event: "unblocked"}, true
	case supervisor.NoAgent:
		return News{Event: "no_agent", Text: e.Reason}, true
	case supervisor.Rejected:
		return News{Event: "rejected", Text: e.Reason}, true
	case supervisor.ListenerMended:
		return News{Event: "mended", Text: e.Address.String()}, true
	}
	return News{}, false
}
