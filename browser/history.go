package browser

import (
	"path/filepath"
	"slices"
	"time"

	"hotreload/runner"
	"hotreload/supervisor"
)

// Entry is one save, or several together, and the effect.
type Entry struct {
	Service    string      `json:"service,omitempty"`
	At         time.Time   `json:"at"`
	Outcome    string      `json:"outcome"` // live, serves, unchanged, ran, kept, failed
	Generation int         `json:"generation,omitempty"`
	Files      []EntryFile `json:"files,omitempty"`
	Total      float64     `json:"total_ms,omitempty"` // from the save until the change was in effect
	Build      float64     `json:"build_ms,omitempty"`
	Compile    float64     `json:"compile_ms,omitempty"` // part of Build, if it is known
	Link       float64     `json:"link_ms,omitempty"`    // part of Build, if it is known
	Replace    float64     `json:"replace_ms,omitempty"` // from the order to replace until the new workers serve
	Way        string      `json:"way,omitempty"`        // of the build
	Text       string      `json:"text,omitempty"`       // first line of the reason of a failure
}

// EntryFile is a file of an Entry.
type EntryFile struct {
	Path   string `json:"path"`
	Class  string `json:"class"`
	Reason string `json:"reason"`
}

// mostEntries is how many entries the page about hotreload shows.
const mostEntries = 60

// history contains the latest entries, the newest last.
type history struct {
	entries []Entry
	ways    map[string]string // service -> way of its last build
}

func (h *history) list() []Entry {
	all := slices.Clone(h.entries)
	slices.Reverse(all)
	return append([]Entry{}, all...)
}

func (h *history) add(e Entry) {
	h.entries = append(h.entries, e)
	if len(h.entries) > mostEntries {
		h.entries = slices.Clone(h.entries[1:])
	}
}

func (h *history) heard(in heard) {
	if h.ways == nil {
		h.ways = map[string]string{}
	}
	e := Entry{Service: in.service, At: in.at}
	switch event := in.event.(type) {
	case runner.Changed:
		live := only(event.Effects, func(e runner.Effect) bool { return e.Class == runner.Live && !e.Runs })
		if len(live) == 0 {
			return
		}
		e.Outcome, e.Files = "live", filesOf(live)
	case runner.BuildEnded:
		h.ways[in.service] = event.Way
		return
	case runner.BuildFailed:
		e.Outcome, e.Build, e.Text = "failed", ms(event.Took), in.problem.line()
	case runner.Unchanged:
		e.Outcome, e.Files, e.Build = "unchanged", filesOf(event.Effects), ms(event.Took)
	case runner.Ran:
		e.Outcome, e.Files, e.Total = "ran", filesOf(event.Effects), ms(event.Took)
	case runner.LeftRunning:
		e.Outcome, e.Files = "kept", filesOf(event.Effects)
	case runner.Reloaded:
		e.Outcome, e.Generation, e.Files = "serves", event.Generation, filesOf(event.Effects)
		e.Total, e.Build, e.Replace = ms(event.Total), ms(event.Build), ms(event.Start)
		e.Compile, e.Link = ms(event.Steps.Compile), ms(event.Steps.Link)
		if event.Build > 0 {
			e.Way = h.ways[in.service]
		}
	case runner.Service:
		failed, is := event.Event.(supervisor.Failed)
		if !is {
			return
		}
		e.Outcome, e.Generation, e.Text = "failed", failed.Generation, in.problem.line()
	default:
		return
	}
	h.add(e)
}

func filesOf(effects []runner.Effect) (files []EntryFile) {
	for _, e := range effects {
		files = append(files, EntryFile{Path: filepath.ToSlash(e.Path), Class: e.Class.String(), Reason: e.Reason})
	}
	return files
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
