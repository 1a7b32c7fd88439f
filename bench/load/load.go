// Package load sends a server as many requests as it can answer, and counts every request without an answer.
//
// It is made for tests of the claim that no request is lost. In every doubt it counts against the claim:
//
//   - Each client speaks HTTP/1.1 on its own connection. Go's http.Transport cannot be used: it silently repeats
//     requests when an idle connection turns out to be closed.
//   - A request has exactly one outcome. No request is sent twice. A connection that cannot be opened is a lost
//     request; so is an answer that is late, incomplete, or for another request (see Options.Check).
//   - Half of the clients keep their connection and POST a body. They close the connection only after an answer with
//     "Connection: close", as HTTP requires. Here the next request races with a server that closes. The other half
//     open a connection for each GET. Here the race is at the listening socket. Options.Habits selects other clients.
//   - Clients do not pause between requests unless told to, except for a millisecond after a failure.
//   - When the time is over, clients finish their current request; it counts, too.
//   - Latency runs from before the connection is opened, if one is opened, to the last byte of the answer. The largest
//     value counts: a delayed client is not a loss, but is not hidden either.
//
// This package does not hold a rate (a slow server gets fewer requests). It speaks only HTTP/1.1, with or without TLS;
// Options.Caller adds other protocols.
package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"
)

// Options tell what to request from which server. Network and Address are required.
type Options struct {
	Network string // tcp or unix
	Address string
	Path    string        // path of the requests, "/" by default; ?id=N is added, with a number that no other request has
	Clients int           // 64 by default
	Habits  []Habit       // of the clients, in turns; by default as in the package doc
	Timeout time.Duration // for a request, including its connection; 5 s by default
	TLS     *tls.Config   // nil: without TLS
	Fields  string        // more lines of each head, over HTTP/1.1, each with its end

	// Check returns what is wrong with an answer of status 200 with a complete body. Every other status is wrong.
	Check func(id uint64, sent, answer []byte) error

	// Since returns what is wrong with the answer to a request. began is when the request began, opened is when its
	// connection was requested. Several clients may call Since at the same time.
	Since func(opened, began time.Time, answer []byte) error

	// Lost is called for each request without a right answer. Several clients may call it at the same time.
	Lost func(Loss)

	// Caller makes a client for another protocol; nil: HTTP/1.1.
	Caller func() Caller
}

// Habit is how a client sends requests.
type Habit struct {
	Keep    bool          // keep the connection for the next request
	Post    int           // size of the body in bytes; 0: a GET
	Turns   bool          // every other request is a GET all the same
	Pause   time.Duration // after each answer
	Trickle time.Duration // before each byte of the body
	Spell   time.Duration // before each byte of the head except the first, over HTTP/1.1
}

// usual is half and half; see the package doc.
var usual = []Habit{{}, {Keep: true, Post: 16 << 10}}

// Loss is a request without a right answer.
type Loss struct {
	Opened       time.Time // when its connection was requested
	Began, Ended time.Time
	Class        Class
	Err          error
}

// Request is one request for a Caller.
type Request struct {
	ID       uint64
	Body     []byte        // nil: a GET
	Trickle  time.Duration // see Habit
	Deadline time.Time
}

// Caller is a client of one goroutine. It must not send a request twice, and must not wait beyond the deadline. It
// opens its connection at the first request, and at the first one after HangUp.
type Caller interface {
	Ask(Request) (answer []byte, err error)
	HangUp()
}

// Class is the outcome of a request.
type Class uint8

const (
	Answered Class = iota
	Refused        // no listener, or the queue of a Unix socket was full
	Reset          // the connection was reset, or was closed while the client was sending
	EOF            // the connection ended before the end of the answer
	Timeout
	Wrong // an answer, but a wrong one
	Other // an error on the client's side, such as too many open files
	classes
)

func (c Class) String() string {
	return [...]string{"answered", "refused", "reset", "eof", "timeout", "wrong", "other"}[c]
}

// Tally counts the outcomes of one kind of requests.
type Tally struct {
	Requests    int
	Connections int // number of opened connections
	Outcomes    [classes]int
	First       [classes]error // the first error of each class
	P50, P99    time.Duration
	Max         time.Duration

	took []time.Duration
}

// Lost returns the number of requests without a right answer.
func (t Tally) Lost() int { return t.Requests - t.Outcomes[Answered] }

func (t *Tally) add(o Tally) {
	t.Requests += o.Requests
	t.Connections += o.Connections
	for class, n := range o.Outcomes {
		t.Outcomes[class] += n
		if t.First[class] == nil {
			t.First[class] = o.First[class]
		}
	}
	t.took = append(t.took, o.took...)
}

func (t *Tally) sum() {
	slices.Sort(t.took)
	if n := len(t.took); n > 0 {
		t.P50, t.P99, t.Max = t.took[n/2], t.took[n*99/100], t.took[n-1]
	}
}

// Report counts the outcomes of all requests.
type Report struct {
	KeepAlive Tally // several requests on one connection
	Fresh     Tally // one connection per request
	All       Tally
	Took      time.Duration
}

// Lost returns the number of requests without a right answer.
func (r Report) Lost() int { return r.All.Lost() }

// String returns a table with a line for each kind, and an example of each kind of loss below.
func (r Report) String() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "\trequests\tper s\tconnections\tlost\t")
	for class := Answered + 1; class < classes; class++ {
		fmt.Fprintf(table, "%s\t", class)
	}
	fmt.Fprintln(table, "p50\tp99\tmax\t")
	rows := []struct {
		name  string
		tally Tally
	}{{"keep-alive", r.KeepAlive}, {"new connection", r.Fresh}, {"all", r.All}}
	for _, row := range rows {
		fmt.Fprintf(table, "%s\t%d\t%.0f\t%d\t%d\t", row.name, row.tally.Requests,
			float64(row.tally.Requests)/r.Took.Seconds(), row.tally.Connections, row.tally.Lost())
		for _, n := range row.tally.Outcomes[1:] {
			fmt.Fprintf(table, "%d\t", n)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t\n", short(row.tally.P50), short(row.tally.P99), short(row.tally.Max))
	}
	table.Flush()
	for class, err := range r.All.First {
		if err != nil {
			fmt.Fprintf(&text, "%s: %v\n", Class(class), err)
		}
	}
	return text.String()
}

func short(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// Run lets the clients send requests until ctx is done, at least one each. It returns when every client has the outcome
// of its last request.
func Run(ctx context.Context, o Options) Report {
	if o.Clients == 0 {
		o.Clients = 64
	}
	if o.Habits == nil {
		o.Habits = usual
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Path == "" {
		o.Path = "/"
	}
	began := time.Now()
	var ids atomic.Uint64
	clients := make([]*client, o.Clients)
	var all sync.WaitGroup
	for i := range clients {
		clients[i] = &client{Options: o, Habit: o.Habits[i%len(o.Habits)]}
		if o.Caller != nil {
			clients[i].caller = o.Caller()
		} else {
			clients[i].caller = &plain{client: clients[i]}
		}
		all.Go(func() { clients[i].run(ctx, &ids) }) // ends with ctx, after the last request
	}
	all.Wait()
	r := Report{Took: time.Since(began)}
	for _, c := range clients {
		r.All.add(c.tally)
		if c.Keep {
			r.KeepAlive.add(c.tally)
		} else {
			r.Fresh.add(c.tally)
		}
	}
	for _, t := range []*Tally{&r.KeepAlive, &r.Fresh, &r.All} {
		t.sum()
	}
	return r
}

// client sends requests. It belongs to one goroutine.
type client struct {
	Options
	Habit
	tally  Tally
	caller Caller
	opened time.Time // of the connection; zero: there is none
}

func (c *client) run(ctx context.Context, ids *atomic.Uint64) {
	defer c.hangUp()
	for {
		id := ids.Add(1)
		began := time.Now()
		if c.opened.IsZero() {
			c.opened = began
		}
		opened := c.opened // HTTP/1.1 may close the connection with the answer
		err := c.ask(id, began, opened)
		c.tally.Requests++
		c.tally.took = append(c.tally.took, time.Since(began))
		class := classOf(err)
		c.tally.Outcomes[class]++
		if err != nil && c.tally.First[class] == nil {
			c.tally.First[class] = fmt.Errorf("request %d, at %s: %w", id, began.Format("15:04:05.000"), err)
		}
		if err != nil && c.Lost != nil {
			c.Lost(Loss{Opened: opened, Began: began, Ended: time.Now(), Class: class, Err: err})
		}
		if err != nil || !c.Keep {
			c.hangUp()
		}
		pause := c.Pause
		if err != nil {
			pause += failurePause
		}
		if pause > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// failurePause follows a failure: on a machine with few cores, clients that fail at once would take all processor time
// from the server, and each would count thousands of losses.
const failurePause = time.Millisecond

func (c *client) hangUp() {
	c.caller.HangUp()
	c.opened = time.Time{}
}

// errWrong marks wrong answers.
var errWrong = errors.New("wrong answer")

// Wrongly returns an error of the class Wrong, for Callers.
func Wrongly(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errWrong, fmt.Errorf(format, args...))
}

// ask sends one request, once, and checks its answer.
func (c *client) ask(id uint64, began, opened time.Time) error {
	size := c.Post
	if c.Turns && c.tally.Requests%2 == 1 {
		size = 0
	}
	body := body(id, size)
	answer, err := c.caller.Ask(Request{ID: id, Body: body, Trickle: c.Trickle, Deadline: began.Add(c.Timeout)})
	if err == nil && c.Check != nil {
		if err = c.Check(id, body, answer); err != nil {
			err = Wrongly("%w", err)
		}
	}
	if err == nil && c.Since != nil {
		if err = c.Since(opened, began, answer); err != nil {
			err = Wrongly("%w", err)
		}
	}
	return err
}

// body returns a body for a POST, a different one for each id; nil if size is 0.
func body(id uint64, size int) []byte {
	if size == 0 {
		return nil
	}
	mark := fmt.Sprintf("%d ", id)
	return bytes.Repeat([]byte(mark), size/len(mark)+1)[:size]
}

// plain speaks HTTP/1.1 for a client.
type plain struct {
	*client
	connection net.Conn
	answers    *bufio.Reader
}

func (c *plain) HangUp() {
	if c.connection != nil {
		c.connection.Close()
		c.connection = nil
	}
}

// Ask sends one request and reads its answer.
func (c *plain) Ask(r Request) ([]byte, error) {
	if c.connection == nil {
		connection, err := c.dial(r.Deadline)
		if err != nil {
			return nil, err
		}
		c.connection, c.answers = connection, bufio.NewReader(connection)
		c.tally.Connections++
	}
	if err := c.connection.SetDeadline(r.Deadline); err != nil {
		return nil, err
	}
	if err := c.send(r); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	response, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return nil, fmt.Errorf("read the head of the answer: %w", err)
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the body of the answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, Wrongly("status %s", response.Status)
	}
	if response.Close {
		c.hangUp()
	}
	return answer, nil
}

func (c *plain) dial(deadline time.Time) (net.Conn, error) {
	dialer := &net.Dialer{Deadline: deadline}
	if c.TLS != nil {
		return tls.DialWithDialer(dialer, c.Network, c.Address, c.TLS)
	}
	return dialer.Dial(c.Network, c.Address)
}

// send writes a request. A client without kept connections says so, and the server closes first. So the server's side
// remembers the connection (TIME_WAIT), and the clients do not run out of ports.
func (c *plain) send(r Request) error {
	method, fields := "GET", ""
	if r.Body != nil {
		method, fields = "POST", fmt.Sprintf("Content-Length: %d\r\n", len(r.Body))
	}
	if !c.Keep {
		fields += "Connection: close\r\n"
	}
	head := fmt.Sprintf("%s %s?id=%d HTTP/1.1\r\nHost: load\r\n%s%s\r\n", method, c.Path, r.ID, c.Fields, fields)
	if r.Trickle == 0 && c.Spell == 0 {
		_, err := c.connection.Write(append([]byte(head), r.Body...))
		return err
	}
	var err error
	for ; c.Spell > 0 && len(head) > 1 && err == nil; head = head[1:] {
		_, err = io.WriteString(c.connection, head[:1])
		time.Sleep(c.Spell) // the habit of an even slower client
	}
	if err == nil {
		_, err = io.WriteString(c.connection, head)
	}
	for i := 0; i < len(r.Body) && err == nil; i++ {
		time.Sleep(r.Trickle) // the habit of a slow client
		_, err = c.connection.Write(r.Body[i : i+1])
	}
	return err
}

func classOf(err error) Class {
	var temporary net.Error
	switch {
	case err == nil:
		return Answered
	case errors.Is(err, errWrong):
		return Wrong
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EAGAIN), errors.Is(err, os.ErrNotExist):
		return Refused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return Reset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return EOF
	case errors.As(err, &temporary) && temporary.Timeout():
		return Timeout
	default:
		return Other
	}
}
