package browser

import "time"

// Message is a message for pages, as JSON in the data of an event.
type Message struct {
	Kind       string   `json:"kind"`
	Order      int      `json:"order,omitempty"` // rises by 1 with each message of a service, except kindState
	Service    string   `json:"service,omitempty"`
	Generation int      `json:"generation,omitempty"` // the serving generation; 0: unchanged
	Number     int      `json:"number,omitempty"`     // of the change, if the generation is unchanged
	Paths      []string `json:"paths,omitempty"`      // absolute, with slashes
	Phase      string   `json:"phase,omitempty"`
	Problem    *Problem `json:"problem,omitempty"`
	Tests      *Tests   `json:"tests,omitempty"`
	State      *State   `json:"state,omitempty"`
}

// The kinds of messages; see the package's documentation.
const (
	kindState    = "state"
	kindCSS      = "css"
	kindAsset    = "asset"
	kindReload   = "reload"
	kindBuilding = "building"
	kindProblem  = "problem"
	kindFixed    = "fixed"
	kindTests    = "tests" // without Tests: none fails any more
	kindPhase    = "phase"
)

// Phases of a service, as pages see the service.
const (
	phaseStarting  = "starting"
	phaseIdle      = "idle"
	phaseBuilding  = "building"
	phaseReplacing = "replacing"
	phasePaused    = "paused"
	phaseStopped   = "stopped"
	phaseEnded     = "ended"
)

// State is everything that a page needs to know about its service.
type State struct {
	Version    int       `json:"v"`
	Run        string    `json:"run"` // differs for each start of hotreload
	Service    string    `json:"service"`
	Generation int       `json:"generation"` // the serving one; 0 before the first
	Newest     int       `json:"newest"`     // the newest one that was started
	Since      time.Time `json:"since,omitzero"`
	Phase      string    `json:"phase"`
	Problem    *Problem  `json:"problem,omitempty"`
	Tests      *Tests    `json:"tests,omitempty"`
	Soft       *Soft     `json:"soft,omitempty"`
	Order      int       `json:"order"`  // of the last message
	Number     int       `json:"number"` // of the last change without a new generation
	Recent     []Recent  `json:"recent,omitempty"`
	Options    Options   `json:"options"`
}

// Soft is for pages that can reach the serving generation without a reload: since generation From, only these files
// have changed.
type Soft struct {
	From   int      `json:"from"`
	CSS    []string `json:"css,omitempty"`
	Assets []string `json:"assets,omitempty"`
}

// Recent is a change without a new generation.
type Recent struct {
	Number int       `json:"number"`
	Kind   string    `json:"kind"`
	Paths  []string  `json:"paths,omitempty"`
	Late   bool      `json:"late,omitempty"` // the change came after the request for the page
	At     time.Time `json:"-"`
}

// Problem is the reason why old code serves, or no code at all.
type Problem struct {
	Kind        string       `json:"kind"` // build, generator, start, crash
	Tool        string       `json:"tool"` // the tool that failed, for people
	Diagnostics []Diagnostic `json:"diagnostics,omitempty"`
	Text        string       `json:"text,omitempty"`    // output of the tool or the program, if there are no diagnostics
	Serving     int          `json:"serving,omitempty"` // the generation that keeps serving
	Since       time.Time    `json:"since,omitzero"`    // when Serving began to serve
	At          time.Time    `json:"at,omitzero"`

	slot int // of a crashed worker
}

// Tests are the tests that fail, beside the service.
type Tests struct {
	Label       string       `json:"label"` // for people: how many
	Diagnostics []Diagnostic `json:"diagnostics"`
	More        int          `json:"more,omitempty"` // messages that were left out
}

// Diagnostic is a message of a tool about a place.
type Diagnostic struct {
	File   string `json:"file,omitempty"` // absolute
	Name   string `json:"name,omitempty"` // of the file, for people
	Line   int    `json:"line,omitempty"`
	Col    int    `json:"col,omitempty"`
	Text   string `json:"text"`
	Source []Line `json:"source,omitempty"` // around Line; only for clients that are near
}

// Line is a line of source.
type Line struct {
	Number int    `json:"number"`
	Text   string `json:"text"`
}

// Options are the settings for the page's script.
type Options struct {
	Reload  string `json:"reload"`  // page, morph, off
	CSS     bool   `json:"css"`     // stylesheets are swapped
	Overlay bool   `json:"overlay"` // problems are shown in the page
	Console string `json:"console"` // off, errors, all
	Editor  bool   `json:"editor"`  // files can be opened in an editor
}

// withoutSource returns a problem for clients that may not see source lines.
func (p *Problem) withoutSource() *Problem {
	if p == nil {
		return nil
	}
	bare := *p
	bare.Diagnostics = withoutSource(p.Diagnostics)
	return &bare
}

// withoutSource returns tests for clients that may not see source lines.
func (t *Tests) withoutSource() *Tests {
	if t == nil {
		return nil
	}
	bare := *t
	bare.Diagnostics = withoutSource(t.Diagnostics)
	return &bare
}

func withoutSource(all []Diagnostic) (bare []Diagnostic) {
	for _, d := range all {
		d.Source = nil
		d.File = "" // an absolute path contains the user's name
		bare = append(bare, d)
	}
	return bare
}

// bare returns a message for clients that may not see source lines.
func (m Message) bare() Message {
	m.Problem, m.Tests = m.Problem.withoutSource(), m.Tests.withoutSource()
	if m.State != nil {
		state := *m.State
		state.Problem, state.Options.Editor = state.Problem.withoutSource(), false
		state.Tests = state.Tests.withoutSource()
		m.State = &state
	}
	return m
}
