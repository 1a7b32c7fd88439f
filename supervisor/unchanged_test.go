//go:build linux || darwin

package supervisor

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotreload/bench/load"
	"hotreload/gobuild"
	"hotreload/internal/testmodules"
)

// These tests use programs without code for hotreload: gobuild builds them with the agent, the supervisor runs and
// replaces them, and clients that never retry send requests.

// unchanged are the built programs, by folder. TestMain removes them.
var unchanged struct {
	mu    sync.Mutex // guards all below
	dir   string
	plans map[string]Plan
}

// build builds the program in a folder of testdata, with or without the agent.
func build(t *testing.T, folder string, agent bool) Plan {
	t.Helper()
	if testing.Short() {
		t.Skip("-short builds and starts no workers")
	}
	unchanged.mu.Lock()
	defer unchanged.mu.Unlock()
	key := fmt.Sprint(folder, agent)
	if plan, done := unchanged.plans[key]; done {
		return plan
	}
	if unchanged.plans == nil {
		unchanged.plans = map[string]Plan{}
		dir, err := os.MkdirTemp("", "unchanged-")
		must(t, err)
		unchanged.dir = dir
	}
	dir, err := filepath.Abs(filepath.Join("../testdata", folder))
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // frameworks are large
	defer cancel()
	builder, err := gobuild.NewBuilder(unchanged.dir)
	must(t, err)
	defer builder.Close()
	p := gobuild.Program{Dir: dir, Plain: !agent}
	graph, err := gobuild.Load(ctx, p)
	must(t, err)
	built, err := builder.Build(ctx, p, graph)
	must(t, err)
	if built.Agent != agent {
		t.Fatalf("%s: the agent is linked: %v, want %v: %s", folder, built.Agent, agent, built.Plain)
	}
	path := filepath.Join(unchanged.dir, fmt.Sprint(filepath.Base(folder), len(unchanged.plans)))
	must(t, copyFile(built.Path, path))
	plan := Plan{Path: path, Agent: agent}
	unchanged.plans[key] = plan
	return plan
}

// needsModules skips the test if the modules of the third-party programs are missing and cannot be downloaded.
func needsModules(t *testing.T, folder string) {
	t.Helper()
	cmd := exec.Command("go", "mod", "download")
	cmd.Dir = "../testdata/" + folder
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, w
	// cmd.Run fails, because our reaper takes the exit status. The presence of the modules shows whether the download
	// worked.
	must(t, cmd.Start())
	w.Close()
	text, err := io.ReadAll(r)
	must(t, err)
	if bytes.Contains(text, []byte("go: ")) {
		testmodules.Require(t, errors.New("go mod download has failed"), string(text))
	}
}

// replaceWith requests the next generation, with this program.
func (s *service) replaceWith(plan Plan) int {
	s.generation++
	plan.Generation = s.generation
	s.Replace(plan)
	return plan.Generation
}

// habits are all kinds of clients: GET and POST, with and without kept connections, with and without pauses, with small
// and large bodies, and with bodies that take half a second to send.
var habits = []load.Habit{
	{},
	{Keep: true, Post: 16 << 10},
	{Post: 100, Pause: 3 * time.Millisecond},
	{Keep: true},
	{Pause: 100 * time.Millisecond},
	{Keep: true, Post: 100, Pause: 3 * time.Millisecond},
	{Post: 5, Trickle: 100 * time.Millisecond},
	{Keep: true, Pause: 100 * time.Millisecond},
	{Post: 1 << 20, Pause: 3 * time.Millisecond},
	{Keep: true, Post: 5, Trickle: 100 * time.Millisecond},
	{},
	{Keep: true, Post: 1 << 20, Pause: 3 * time.Millisecond},
	{Pause: 3 * time.Millisecond},
	{Keep: true, Post: 100},
	{Post: 16 << 10},
	{Keep: true, Pause: 3 * time.Millisecond},
	{Keep: true, Post: 100, Spell: time.Millisecond},
}

// unchangedUnderLoad replaces the program again and again while 64 clients of all kinds send requests, and returns the
// results. A new connection after a replacement must not reach an older generation. If connections move, no new request
// after the replacement may reach an older generation.
func unchangedUnderLoad(t *testing.T, s *service, plan Plan, replacements int, moves bool, o load.Options) load.Report {
	t.Helper()
	await(s, serving(s.replaceWith(plan)))
	var mu sync.Mutex // guards the next two
	var since []time.Time
	answers := map[int]int{} // by generation
	o.Timeout = limit
	if o.Habits == nil {
		o.Habits = habits
	}
	if o.Path == "" {
		o.Path = "/echo"
	}
	o.Check = checkEcho
	o.Since = func(opened, began time.Time, answer []byte) error {
		mu.Lock()
		defer mu.Unlock()
		at, what := opened, "on a connection that was asked for"
		if moves {
			at, what = began, "a request that began"
		}
		newest, _ := slices.BinarySearchFunc(since, at, time.Time.Compare) // how many are earlier
		var generation int
		fmt.Sscan(string(answer), &generation)
		answers[generation]++
		if generation < newest+1 {
			return fmt.Errorf("generation %d answers %s when %d had replaced it", generation, what, newest+1)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reported := make(chan load.Report)
	go func() { reported <- load.Run(ctx, o) }() // ends after cancel, with the last answer
	var ready, first time.Duration               // the longest
	for range replacements {
		generation := s.replaceWith(plan)
		served := await(s, serving(generation))
		done := await(s, replaced(generation))
		began := time.Now()
		mu.Lock()
		since = append(since, began)
		mu.Unlock()
		one := o
		one.Clients, one.Habits, one.Check = 1, []load.Habit{{}}, nil
		once, stop := context.WithCancel(ctx)
		stop()
		if report := load.Run(once, one); report.Lost() > 0 {
			t.Errorf("the first request to generation %d: %v", generation, report.All.First)
		}
		ready = max(ready, served.After)
		first = max(first, done.After-served.After+time.Since(began))
		eventually(t, "", func() string {
			mu.Lock()
			defer mu.Unlock()
			if n := s.draining(); n > 1 || answers[generation] < 100 {
				return fmt.Sprintf("%d generations drain, the newest has answered %d times", n, answers[generation])
			}
			return ""
		})
	}
	eventually(t, "", func() string { // the last workers exit under load, too
		if n := s.draining(); n > 0 {
			return fmt.Sprint(n, " generations drain")
		}
		return ""
	})
	cancel()
	report := <-reported
	t.Logf(
		"%d replacements in %s; at most %s until ready, and from there %s until the first answer of a new connection\n%s",
		replacements, report.Took.Round(time.Millisecond), ready.Round(time.Millisecond), first.Round(100*time.Microsecond),
		report,
	)
	return report
}

// nothingForced fails the test if a worker did not exit properly.
func (s *service) nothingForced() {
	s.t.Helper()
	for _, event := range s.all() {
		switch e := event.(type) {
		case GraceOver, Rejected, NoAgent, TriedAlone, RunsAlone, CannotHandOver, ListenerMended:
			s.t.Errorf("%T %+v", e, e)
		case Exited:
			if !e.Expected {
				s.t.Errorf("%+v", e)
			}
		}
	}
}

// TestUnchangedProgramsLoseNothing is the promise: no request fails, whatever the client's habit.
func TestUnchangedProgramsLoseNothing(t *testing.T) {
	// Connections that no answer ends (Fiber, gRPC) last for the whole grace.
	const short = 2 * time.Second
	for _, c := range []struct {
		name   string
		folder string
		args   []string // {} stands for the address
		grace  time.Duration
		caller func(address string) func() load.Caller
		tls    bool
		usual  int
		policy Strategy
		moves  bool
	}{
		{"net_http", "unchanged", []string{"http", "{}", "bare"}, limit, nil, false, 3, Auto, true},
		{"net_http that stops", "unchanged", []string{"http", "{}", "stop"}, limit, nil, false, 3, Auto, true},
		{"net_http, stop-first", "unchanged", []string{"http", "{}", "bare"}, limit, nil, false, 2, StopFirst, true},
		{"TLS", "unchanged", []string{"tls", "{}", "bare"}, limit, nil, true, 2, Auto, false},
		{"TLS, HTTP_2", "unchanged", []string{"tls", "{}", "bare"}, limit, http2Callers, true, 2, Auto, false},
		{"h2c", "unchanged", []string{"h2c", "{}", "bare"}, limit, http2Callers, false, 2, Auto, false},
		{"Unix socket", "unchanged", []string{"unix", "{}", "bare"}, limit, nil, false, 3, Auto, true},
		{"Unix socket, removed first", "unchanged", []string{"unix-removed", "{}", "bare"}, limit, nil, false, 2, Auto, true},
		{"gin", "servers/gin", []string{"{}"}, limit, nil, false, 2, Auto, true},
		{"echo", "servers/echo", []string{"{}"}, limit, nil, false, 2, Auto, true},
		{"chi", "servers/chi", []string{"{}"}, limit, nil, false, 2, Auto, true},
		{"Fiber that stops", "servers/fiber", []string{"{}", "stop"}, short, nil, false, 2, Auto, false},
		{"gRPC that stops", "servers/grpc", []string{"{}", "stop"}, short, grpcCallers, false, 2, Auto, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if filepath.Dir(c.folder) == "servers" {
				needsModules(t, "servers")
			}
			o := load.Options{Network: "tcp", Address: freePort(t)}
			if strings.HasPrefix(c.args[0], "unix") {
				o.Network, o.Address = "unix", filepath.Join(shortDir(t), "s")
			}
			scheme := "http://"
			if c.policy == StopFirst { // this waits half a second for idle connections, and a busy machine is slow
				o.Habits = slices.DeleteFunc(
					slices.Clone(habits), func(h load.Habit) bool { return h.Keep && h.Pause > 3*time.Millisecond },
				)
			}
			if c.tls {
				o.TLS, scheme = &tls.Config{InsecureSkipVerify: true}, "https://"
			}
			if c.caller != nil {
				o.Caller = c.caller(scheme + o.Address)
			}
			plan := build(t, c.folder, true)
			s := start(t, Config{Args: at(c.args, o.Address), Agents: true, Policy: Policy{Grace: c.grace, Strategy: c.policy}})
			report := unchangedUnderLoad(t, s, plan, size(c.usual, 100), c.moves, o)
			lost := report.Lost()
			if o.Network == "unix" {
				// For a moment the path does not exist. Connected clients do not notice.
				t.Logf("%d of %d connections found no socket", report.All.Outcomes[load.Refused], report.All.Connections)
				lost -= report.All.Outcomes[load.Refused]
			}
			if lost > 0 {
				t.Errorf("%d of %d requests are lost", lost, report.All.Requests)
			}
			s.nothingForced()
		})
	}
}

// at inserts the address into arguments.
func at(args []string, address string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == "{}" {
			args[i] = address
		}
	}
	return args
}

// The control: without the agent, the old worker has to exit before the new one can bind its port.
func TestLossesWithoutTheAgentAreSeen(t *testing.T) {
	plan := build(t, "unchanged", false)
	o := load.Options{Network: "tcp", Address: freePort(t)}
	s := start(t, Config{Args: []string{"http", o.Address, "stop"}, Agents: true})
	if report := unchangedUnderLoad(t, s, plan, 3, false, o); report.Fresh.Outcomes[load.Refused] == 0 {
		t.Error("without the agent no connection was refused: the load is blind")
	}
}

// The control: the agent without its drain. The program calls Shutdown at once, which closes connections on which
// clients are about to send.
func TestLossesWithoutDrainAreSeen(t *testing.T) {
	plan := build(t, "unchanged", true)
	o := load.Options{Network: "tcp", Address: freePort(t)}
	s := start(t, Config{Args: []string{"http", o.Address, "stop"}, Agents: true, Policy: Policy{Grace: time.Millisecond}})
	if report := unchangedUnderLoad(t, s, plan, 5, false, o); report.KeepAlive.Lost() == 0 {
		t.Error("without a drain no request was lost: the load is blind")
	}
}

// TestWhatCannotBePromised: sessions that only the program could end last as long as the grace. New connections are
// never lost, and never reach an old generation.
func TestWhatCannotBePromised(t *testing.T) {
	for _, c := range []struct {
		name, folder string
		args         []string
		caller       func(address string) func() load.Caller
	}{
		{"raw TCP", "unchanged", []string{"raw", "{}", "bare"}, rawCallers},
		{"gRPC that does not stop", "servers/grpc", []string{"{}", "bare"}, grpcCallers},
		{"Fiber that does not stop", "servers/fiber", []string{"{}", "bare"}, nil},
		{"Fiber that shuts down at once", "servers/fiber", []string{"{}", "shutdown"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if filepath.Dir(c.folder) == "servers" {
				needsModules(t, "servers")
			}
			o := load.Options{Network: "tcp", Address: freePort(t)}
			if c.caller != nil {
				o.Caller = c.caller("http://" + o.Address)
			}
			plan := build(t, c.folder, true)
			s := start(t, Config{Args: at(c.args, o.Address), Agents: true, Policy: Policy{Grace: 2 * time.Second}})
			report := unchangedUnderLoad(t, s, plan, size(2, 100), false, o)
			if report.Fresh.Lost() > 0 {
				t.Errorf("%d of %d requests on new connections are lost", report.Fresh.Lost(), report.Fresh.Requests)
			}
			s.nothingForced()
		})
	}
}

// http2Caller is a client of package net/http. The package retries requests with a repeatable body, so these bodies are
// not.
type http2Caller struct {
	url       string
	transport *http.Transport
	frame     func(load.Request) io.Reader // length prefixes for the body
	header    http.Header
	answer    func(*http.Response, []byte) ([]byte, error)
}

func http2Callers(url string) func() load.Caller {
	return func() load.Caller {
		return &http2Caller{
			url:    url + "/echo?id=",
			header: http.Header{},
			frame:  trickling,
			answer: func(r *http.Response, body []byte) ([]byte, error) {
				if r.ProtoMajor != 2 {
					return nil, load.Wrongly("%s", r.Proto)
				}
				return body, nil
			},
		}
	}
}

// trickling is a body that arrives as slowly as the client sends it.
func trickling(r load.Request) io.Reader {
	if r.Trickle == 0 {
		return bytes.NewReader(r.Body)
	}
	return &trickle{r}
}

type trickle struct{ load.Request }

func (t *trickle) Read(p []byte) (int, error) {
	if len(t.Body) == 0 {
		return 0, io.EOF
	}
	time.Sleep(t.Trickle) // a slow client
	n := copy(p[:1], t.Body)
	t.Body = t.Body[n:]
	return n, nil
}

func (c *http2Caller) Ask(r load.Request) ([]byte, error) {
	ctx, cancel := context.WithDeadline(context.Background(), r.Deadline)
	defer cancel()
	answer, sent, err := c.roundTrip(ctx, r)
	var network *net.OpError
	if err != nil && !sent && !errors.As(err, &network) {
		// The transport chose a connection just closed for new requests, and sent nothing of the request. The transport
		// would try again if it could rewind the body, which is closed.
		c.HangUp()
		answer, _, err = c.roundTrip(ctx, r)
	}
	return answer, err
}

// once is a body that cannot be read again, and knows whether it was read.
type once struct {
	io.Reader
	read atomic.Bool
}

func (o *once) Read(p []byte) (int, error) {
	o.read.Store(true)
	return o.Reader.Read(p)
}

func (c *http2Caller) roundTrip(ctx context.Context, r load.Request) (answer []byte, sent bool, err error) {
	if c.transport == nil {
		c.transport = &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		c.transport.Protocols.SetHTTP2(true)
		c.transport.Protocols.SetUnencryptedHTTP2(true)
	}
	body := &once{Reader: c.frame(r)}
	url := c.url
	if strings.HasSuffix(url, "=") {
		url += fmt.Sprint(r.ID)
	}
	request, err := http.NewRequestWithContext(ctx, "POST", url, body)
	if err != nil {
		return nil, body.read.Load(), err
	}
	request.Header = c.header.Clone()
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return nil, body.read.Load(), err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, true, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, true, load.Wrongly("status %s", response.Status)
	}
	answer, err = c.answer(response, text)
	return answer, true, err
}

func (c *http2Caller) HangUp() {
	if c.transport != nil {
		c.transport.CloseIdleConnections()
		c.transport = nil
	}
}

// grpcCallers implement a unary gRPC call: a message after five bytes, and a trailer with the status. A client of the
// grpc module would retry by itself.
func grpcCallers(url string) func() load.Caller {
	return func() load.Caller {
		return &http2Caller{
			url: url + "/echo.Echo/Echo", header: http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}},
			frame: func(r load.Request) io.Reader {
				head := fmt.Sprintf("%d;", r.ID)
				length := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(head)+len(r.Body)))
				return io.MultiReader(bytes.NewReader(length), bytes.NewReader([]byte(head)), trickling(r))
			},
			answer: func(r *http.Response, body []byte) ([]byte, error) {
				status := r.Trailer.Get("Grpc-Status") + r.Header.Get("Grpc-Status")
				if status != "0" || len(body) < 5 {
					return nil, load.Wrongly("grpc-status %q %q", status, r.Trailer.Get("Grpc-Message")+r.Header.Get("Grpc-Message"))
				}
				return body[5:], nil
			},
		}
	}
}

// rawCaller sends lines on one connection and reads lines.
type rawCaller struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
}

func rawCallers(url string) func() load.Caller {
	return func() load.Caller { return &rawCaller{address: url[len("http://"):]} }
}

func (c *rawCaller) Ask(r load.Request) ([]byte, error) {
	if c.conn == nil {
		conn, err := (&net.Dialer{Deadline: r.Deadline}).Dial("tcp", c.address)
		if err != nil {
			return nil, err
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	_ = c.conn.SetDeadline(r.Deadline)
	if _, err := fmt.Fprintln(c.conn, echoed(r.ID, r.Body)); err != nil {
		return nil, err
	}
	return c.in.ReadBytes('\n')
}

func (c *rawCaller) HangUp() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}
