// Package load asks a server for as many answers as it gives, and counts every request that does not get one.
//
// It is for tests that claim that nothing is lost, so it counts against the claim wherever there is a doubt:
//
//   - Each client speaks HTTP/1.1 on a connection of its own making. Go's http.Transport is of no use here: it sends
//     requests again, silently, when an idle connection turns out to be closed.
//   - A request that was begun is one request, with one outcome. Nothing is sent twice, a connection that cannot be
//     opened is a lost request, and so is an answer that comes too late, breaks off, or is not the answer to what was
//     sent (see Options.Check).
//   - Half of the clients keep their connection and POST a body on it; they give it up only when an answer says
//     "Connection: close", as HTTP wants. There the race is between the next request and a server that closes. The
//     other half open a connection for each GET. There the race is at the listening socket. Options.Habits asks for
//     other clients.
//   - Clients do not pause between requests unless told to, but for a millisecond after a failure.
//   - When the time is over, clients finish the request that they are at; it counts like any other.
//   - Latency is measured from before the connection is opened, where one is, to the last byte of the answer, and it is
//     the largest that counts: a client that had to wait is no loss, but is not hidden either.
//
// What it does not do: hold a rate (a slow server is asked less often); other protocols than HTTP/1.1, with TLS or
// without, for which there is Options.Caller.
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

// Options say whom to ask for what. Network and Address must be set.
type Options struct {
	Network string // tcp or unix
	Address string
	Path    string        // of the requests, "/" by default; ?id=N is added, a number that no other request has
	Clients int           // 64 by default
	Habits  []Habit       // the clients take turns in having them; by default as the package doc says
	Timeout time.Duration // for a request, its connection included; 5 s by default
	TLS     *tls.Config   // nil is without

	// Check says what is wrong with an answer of status 200 whose body was complete. Any other status is wrong.
	Check func(id uint64, sent, answer []byte) error

	// Since says what is wrong with an answer on a connection that was asked for at that time. It may be called by
	// several clients at once.
	Since func(opened time.Time, answer []byte) error

	// Lost hears of each request that did not get its answer. It may be called by several clients at once.
	Lost func(Loss)

	// Caller makes a client of another protocol; nil is HTTP/1.1.
	Caller func() Caller
}

// Habit is how a client asks.
type Habit struct {
	Keep    bool          // its connection, from request to request
	Post    int           // bytes that it sends as a body; 0 is a GET
	Pause   time.Duration // after each answer
	Trickle time.Duration // before each byte of the body
}

// usual is half and half; see the package doc.
var usual = []Habit{{}, {Keep: true, Post: 16 << 10}}

// Loss is a request that did not get its answer.
type Loss struct {
	Opened       time.Time // when its connection was asked for
	Began, Ended time.Time
	Class        Class
	Err          error
}

// Request is what a Caller is to ask for, once.
type Request struct {
	ID       uint64
	Body     []byte        // nil is a GET
	Trickle  time.Duration // see Habit
	Deadline time.Time
}

// Caller is a client of one goroutine. It must not send a request twice, nor wait beyond the deadline, and opens its
// connection at the first request, and the first after HangUp.
type Caller interface {
	Ask(Request) (answer []byte, err error)
	HangUp()
}

// Class is what became of a request.
type Class uint8

const (
	Answered Class = iota
	Refused        // nobody listened, or the queue of a Unix socket was full
	Reset          // the connection was reset, or was closed while we were sending
	EOF            // the connection ended before the answer did
	Timeout
	Wrong // an answer, but not ours
	Other // an error of our own side, such as too many open files
	classes
)

func (c Class) String() string {
	return [...]string{"answered", "refused", "reset", "eof", "timeout", "wrong", "other"}[c]
}

// Tally is what became of the requests of one kind.
type Tally struct {
	Requests    int
	Connections int // that were opened
	Outcomes    [classes]int
	First       [classes]error // the first error of each class
	P50, P99    time.Duration
	Max         time.Duration

	took []time.Duration
}

// Lost is how many requests did not get their answer.
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

// Report is what became of all requests.
type Report struct {
	KeepAlive Tally // request after request on one connection
	Fresh     Tally // a connection for each
	All       Tally
	Took      time.Duration
}

// Lost is how many requests did not get their answer.
func (r Report) Lost() int { return r.All.Lost() }

// String is a table with a line for each kind, and below it an example of each kind of loss.
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
		fmt.Fprintf(table, "%s\t%d\t%.0f\t%d\t%d\t", row.name, row.tally.Requests, float64(row.tally.Requests)/r.Took.Seconds(), row.tally.Connections, row.tally.Lost())
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

// Run lets the clients ask until ctx is done, each at least once, and returns when each has the outcome of its last request.
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
		all.Go(func() { clients[i].run(ctx, &ids) }) // ends when ctx does, and the last request
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

// client is one of those who ask. It belongs to one goroutine.
type client struct {
	Options
	Habit
	tally  Tally
	caller Caller
	opened time.Time // of the connection; zero = there is none
}

func (c *client) run(ctx context.Context, ids *atomic.Uint64) {
	defer c.hangUp()
	for {
		id := ids.Add(1)
		began := time.Now()
		if c.opened.IsZero() {
			c.opened = began
		}
		opened := c.opened // HTTP/1.1 may hang up with the answer
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

// failurePause is for clients that fail at once: on a machine with few cores they would take all the time in which it
// could get better, and each would count as thousands.
const failurePause = time.Millisecond

func (c *client) hangUp() {
	c.caller.HangUp()
	c.opened = time.Time{}
}

// errWrong marks answers that are not the right ones.
var errWrong = errors.New("wrong answer")

// Wrongly makes an error of the class Wrong, for callers.
func Wrongly(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errWrong, fmt.Errorf(format, args...))
}

// ask has one request sent, once, and looks at its answer.
func (c *client) ask(id uint64, began, opened time.Time) error {
	body := body(id, c.Post)
	answer, err := c.caller.Ask(Request{ID: id, Body: body, Trickle: c.Trickle, Deadline: began.Add(c.Timeout)})
	if err == nil && c.Check != nil {
		if err = c.Check(id, body, answer); err != nil {
			err = Wrongly("%w", err)
		}
	}
	if err == nil && c.Since != nil {
		if err = c.Since(opened, answer); err != nil {
			err = Wrongly("%w", err)
		}
	}
	return err
}

// body makes the body of a POST, which is another for each; nil if it has no bytes.
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

// send writes a request. A client that does not keep its connection says so, and the server closes first: so its side
// keeps the memory of the connection (TIME_WAIT) and we do not run out of ports.
func (c *plain) send(r Request) error {
	method, fields := "GET", ""
	if r.Body != nil {
		method, fields = "POST", fmt.Sprintf("Content-Length: %d\r\n", len(r.Body))
	}
	if !c.Keep {
		fields += "Connection: close\r\n"
	}
	head := fmt.Sprintf("%s %s?id=%d HTTP/1.1\r\nHost: load\r\n%s\r\n", method, c.Path, r.ID, fields)
	if r.Trickle == 0 {
		_, err := c.connection.Write(append([]byte(head), r.Body...))
		return err
	}
	_, err := io.WriteString(c.connection, head)
	for i := 0; i < len(r.Body) && err == nil; i++ {
		time.Sleep(r.Trickle) // what a slow client is
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
