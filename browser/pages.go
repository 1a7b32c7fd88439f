package browser

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hotreload/runner"
)

// Config configures the pages of one hotreload. Nothing changes a Config after New.
type Config struct {
	Key      string   // see Key
	Dir      string   // paths are shown relative to it
	Services []string // their names; "" if there is only one

	// InBuild reports whether a file belongs to the build of a service. Only such files are opened in an editor.
	InBuild func(ctx context.Context, path string) bool
	// Said receives lines of pages' consoles, a few a second at most.
	Said func(Said)
	// Asked receives the path of each page that connects, and the time of the request for its document. nil = nobody
	// needs them.
	Asked func(ctx context.Context, service, path string, began time.Time)
	// Reload, Rebuild and Pause are the buttons.
	Reload, Rebuild func()
	Pause           func() error

	env []string // of the editor; nil: ours
}

// Settings are the settings that the user can change while hotreload runs.
type Settings struct {
	Options
	EditorCommand []string // with {file}, {line} and {col}; nil: there is none
	ReloadOn      []string // services whose new code reloads the pages of all services
	Hosts         []string // allowed host names, besides those of this machine
}

// Pages is the pages of one hotreload. Its methods may be called from any goroutine.
type Pages struct {
	config   Config
	run      string
	settings atomic.Pointer[Settings]
	guard    guard
	api      atomic.Pointer[http.Handler]
	http     *http.Server
	feed     *feed
	console  limiter
	inputs   chan any // of the owner
	ending   sync.Once

	mu      sync.Mutex // guards address
	address string

	ended  chan struct{}
	closed chan struct{} // the owner is gone
}

// Inputs of the owner, besides heard.
type (
	joinInput struct {
		service string
		all     bool
		began   time.Time // time of the request for the page; zero = unknown
		joined  chan<- *client
	}
	leaveInput struct{ *client }
	lookInput  struct{ answer chan<- Overview }
	againInput struct{} // the settings have changed
)

// client is an open stream of events. If the client does not read its messages, the owner closes the channel.
type client struct {
	service  string
	all      bool // of every service
	began    time.Time
	messages chan Message
}

// mostBehind is how many messages may wait for a client. After one more, the client starts anew with the whole state.
const mostBehind = 64

// Overview is for the page about hotreload itself, besides the status of the services.
type Overview struct {
	Run      string  `json:"run"`
	Clients  int     `json:"clients"` // open streams of events
	States   []State `json:"states"`
	History  []Entry `json:"history"` // the newest first
	Dir      string  `json:"dir"`
	Version  int     `json:"v"`
	CanOpen  bool    `json:"can_open"`  // there is an editor
	CanPause bool    `json:"can_pause"` // there is a place for the kill switch
}

// New starts the owner and the server. Close ends them.
func New(config Config, settings Settings) *Pages {
	p := &Pages{
		config: config, run: rand.Text(), feed: newFeed(), inputs: make(chan any), ended: make(chan struct{}),
		closed: make(chan struct{}), console: limiter{now: time.Now},
	}
	p.guard = newGuard(config.Key)
	p.Set(settings)
	p.http = p.server()
	go p.own()                               // ends with Close
	go func() { _ = p.http.Serve(p.feed) }() // ends with Close
	return p
}

// Set takes over settings, and tells open pages.
func (p *Pages) Set(s Settings) {
	s.Editor = len(s.EditorCommand) > 0
	first := p.settings.Swap(&s) == nil
	if !first {
		p.send(againInput{})
	}
}

// SetAPI sets the control server's handler, for the page about hotreload itself.
func (p *Pages) SetAPI(api http.Handler) { p.api.Store(&api) }

// Take serves a connection that a service's worker has handed over. The connection also returns the bytes that the
// worker has read.
func (p *Pages) Take(service string, conn net.Conn) {
	p.feed.add(&handed{Conn: conn, service: service})
}

// Address returns the address of the page about hotreload itself. The page has its own port on this machine, so the
// page works without the program. The first call opens the port.
func (p *Pages) Address() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.address == "" {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		go func() { _ = p.http.Serve(listener) }() // ends with Close
		p.address = "http://" + listener.Addr().String() + Prefix + p.config.Key + "/"
	}
	return p.address, nil
}

// Close ends all connections.
func (p *Pages) Close() {
	if p == nil {
		return
	}
	p.ending.Do(func() {
		close(p.ended)
		_ = p.http.Close()
	})
	<-p.closed
}

// send gives the owner an input; false if the owner has ended.
func (p *Pages) send(input any) bool {
	select {
	case p.inputs <- input:
		return true
	case <-p.closed:
		return false
	}
}

// Tell takes an event of a service, and does not wait for any page.
func (p *Pages) Tell(name string, event runner.Event) {
	p.send(heard{service: name, at: time.Now(), event: event,
		problem: problemOf(event, p.config.Dir, sparing()), tests: testsOf(event, p.config.Dir)})
}

// owned is the state that only the owner's goroutine uses.
type owned struct {
	services map[string]service
	clients  map[*client]bool
	history  history
}

// own is the owner of the state.
func (p *Pages) own() {
	defer close(p.closed)
	o := &owned{services: map[string]service{}, clients: map[*client]bool{}}
	for _, name := range p.config.Services {
		o.services[name] = service{name: name, phase: phaseStarting}
	}
	for {
		select {
		case <-p.ended:
			for c := range o.clients {
				close(c.messages)
			}
			return
		case input := <-p.inputs:
			switch in := input.(type) {
			case heard:
				before := o.services[in.service]
				before.name = in.service
				now, messages := after(before, in)
				o.services[in.service] = now
				o.history.heard(in)
				for _, m := range slices.Concat(messages, o.others(in, messages, p.settings.Load().ReloadOn)) {
					o.tell(m)
				}
			case joinInput:
				in.joined <- p.join(o, in)
			case leaveInput:
				delete(o.clients, in.client)
			case lookInput:
				in.answer <- p.overview(o)
			case againInput:
				for c := range o.clients {
					o.give(c, p.first(o, c)...)
				}
			}
		}
	}
}

// others returns reloads for the pages of all other services, if this service's pages reload and reloadOn contains the
// service.
func (o *owned) others(in heard, messages []Message, reloadOn []string) (told []Message) {
	for _, m := range messages {
		if m.Kind != kindReload || !slices.Contains(reloadOn, in.service) {
			continue
		}
		for name, s := range o.services {
			if name != in.service {
				now, also := s.noted(kindReload, m.Paths, in.at)
				o.services[name], told = now, append(told, also)
			}
		}
	}
	return told
}

// tell gives a message to the clients of its service.
func (o *owned) tell(m Message) {
	s := o.services[m.Service]
	s.order++
	o.services[m.Service], m.Order = s, s.order
	for c := range o.clients {
		if c.all || c.service == m.Service {
			o.give(c, m)
		}
	}
}

func (o *owned) give(c *client, messages ...Message) {
	for _, m := range messages {
		select {
		case c.messages <- m:
		default:
			close(c.messages)
			delete(o.clients, c)
			return
		}
	}
}

func (p *Pages) join(o *owned, in joinInput) *client {
	c := &client{service: in.service, all: in.all, began: in.began, messages: make(chan Message, mostBehind)}
	o.clients[c] = true
	o.give(c, p.first(o, c)...)
	return c
}

// first returns a client's first messages: the whole state.
func (p *Pages) first(o *owned, c *client) (all []Message) {
	for _, name := range p.config.Services {
		if s := o.services[name]; c.all || name == c.service {
			all = append(all, Message{Kind: kindState, Service: name, State: s.state(p.run, p.options(), c.began)})
		}
	}
	return all
}

func (p *Pages) options() Options { return p.settings.Load().Options }

func (p *Pages) overview(o *owned) Overview {
	all := Overview{Run: p.run, Clients: len(o.clients), History: o.history.list(), Dir: p.config.Dir, Version: 1,
		CanOpen: p.options().Editor, CanPause: p.config.Pause != nil}
	for _, name := range p.config.Services {
		s := o.services[name]
		all.States = append(all.States, *s.state(p.run, p.options(), time.Time{}))
	}
	return all
}

// look asks the owner for the overview.
func (p *Pages) look(ctx context.Context) (o Overview, ok bool) {
	answer := make(chan Overview, 1)
	if !p.send(lookInput{answer}) {
		return o, false
	}
	select {
	case o = <-answer:
		return o, true
	case <-ctx.Done():
	case <-p.closed:
	}
	return o, false
}

// encoded returns a message as an event of the stream.
func (m Message) encoded(detail bool) []byte {
	if !detail {
		m = m.bare()
	}
	text, err := json.Marshal(m)
	if err != nil { // impossible: all parts of a Message can be encoded
		panic(err)
	}
	return slices.Concat([]byte("data: "), text, []byte("\n\n"))
}
