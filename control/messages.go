package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"hotreload/runner"
	"hotreload/supervisor"
)

// MaxMessage is the largest size of a message in bytes, the same as the workers' limit.
const MaxMessage = 1 << 20

// takeTimeout limits the wait until a worker has finished with a message, unless the client sets another limit. Felt
// right, not measured.
const takeTimeout = 10 * time.Second

// Answer is a line of the response to a message: a worker's reply or, with Done, the end for one worker.
type Answer struct {
	Service string          `json:"service,omitempty"`
	Worker  *Named          `json:"worker,omitempty"`
	Reply   json.RawMessage `json:"reply,omitempty"`
	Done    bool            `json:"done,omitempty"`
	Error   string          `json:"error,omitempty"` // with Done: why no worker has finished with the message
}

// Reports contains the workers' reports about themselves.
type Reports struct {
	Workers []Report `json:"workers"`
}

// Report is one worker's report about itself.
type Report struct {
	Service      string               `json:"service,omitempty"`
	Worker       Named                `json:"worker"`
	Text         string               `json:"text"`
	Silent       bool                 `json:"silent"` // it reports nothing
	Unresponsive bool                 `json:"unresponsive"`
	Counters     []supervisor.Counter `json:"counters"` // its own counters, and its agent's
}

// query asks workers for their reports.
func query(r *request) (any, error) { return reportsOf(r.Context(), r.targets, r.privileged), nil }

func reportsOf(ctx context.Context, targets []runner.Target, privileged bool) Reports {
	reports := Reports{Workers: []Report{}}
	for _, t := range targets {
		for _, a := range t.Inquire(ctx, privileged) {
			if !privileged { // nothing about the machine and its processes
				a.Worker.Pid, a.Counters = 0, nil
			}
			one := Report{
				Service: t.Name(), Worker: *named(a.Worker), Unresponsive: a.Unresponsive,
				Silent: a.Status == nil, Counters: append([]supervisor.Counter{}, a.Counters...),
			}
			if a.Status != nil {
				one.Text, one.Counters = a.Status.Text, append(one.Counters, a.Status.Counters...)
			}
			reports.Workers = append(reports.Workers, one)
		}
	}
	return reports
}

func send(w http.ResponseWriter, r *request)      { deliver(w, r, false) }
func broadcast(w http.ResponseWriter, r *request) { deliver(w, r, true) }

// deliver gives a message to one worker or to all, and writes the answers.
func deliver(w http.ResponseWriter, r *request, all bool) {
	data, timeout, err := readMessage(w, r, all)
	if err != nil {
		reply(w, nil, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	out := &answers{w: w, control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "application/x-ndjson")
	for _, t := range r.targets {
		told := func(by supervisor.Worker, data []byte) {
			out.write(Answer{Service: t.Name(), Worker: named(by), Reply: data})
		}
		if !all {
			by, err := t.Send(ctx, data, told)
			out.end(t, by, err)
			continue
		}
		for _, d := range t.Broadcast(ctx, data, told) {
			out.end(t, d.Worker, d.Err)
		}
	}
}

// readMessage reads the message and the time that it may wait for a worker.
func readMessage(w http.ResponseWriter, r *request, all bool) (data []byte, timeout time.Duration, err error) {
	timeout = takeTimeout
	if text := r.query.Get("timeout"); text != "" {
		if timeout, err = time.ParseDuration(text); err != nil {
			return nil, 0, bad(err)
		}
	}
	data, err = io.ReadAll(http.MaxBytesReader(w, r.Body, MaxMessage))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, 0, bad(fmt.Errorf("a message has at most %d bytes", MaxMessage))
	case err != nil:
		return nil, 0, err
	case !json.Valid(data):
		return nil, 0, bad(errors.New("a message must be a JSON document"))
	case !all && len(r.targets) != 1:
		return nil, 0, bad(errors.New("there are several services: name one"))
	}
	return data, timeout, nil
}

// answers writes lines from several goroutines.
type answers struct {
	control *http.ResponseController

	mu sync.Mutex // guards w
	w  io.Writer
}

func (o *answers) write(a Answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	_ = json.NewEncoder(o.w).Encode(a) // a client that has left has ended the request
	_ = o.control.Flush()
}

func (o *answers) end(t runner.Target, by supervisor.Worker, err error) {
	a := Answer{Service: t.Name(), Done: true}
	if by != (supervisor.Worker{}) {
		a.Worker = named(by)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		a.Error = "no worker has dealt with it in time"
	case err != nil:
		a.Error = err.Error()
	}
	o.write(a)
}

// Query asks workers for their reports.
func (c *Client) Query(ctx context.Context, to string) (reports Reports, err error) {
	return reports, c.get(ctx, "/v1/query?"+url.Values{"to": {to}}.Encode(), &reports)
}

// Send gives a message, a JSON document, to a worker: to one slot (to is SERVICE/SLOT), to the next idle worker of a
// service, or to all. tell is called with each reply. If there is no error, at least one worker has finished with the
// message.
func (c *Client) Send(
	ctx context.Context, to string, all bool, data []byte, timeout time.Duration, tell func(Answer),
) error {
	what := "send"
	if all {
		what = "broadcast"
	}
	query := url.Values{"to": {to}}
	if timeout > 0 {
		query.Set("timeout", timeout.String())
	}
	response, err := c.requestWith(ctx, http.MethodPost, "/v1/"+what+"?"+query.Encode(), bytes.NewReader(data))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	done := 0
	var faults []error
	for decoder := json.NewDecoder(response.Body); ; {
		var a Answer
		err := decoder.Decode(&a)
		switch {
		case errors.Is(err, io.EOF) && done == 0 && len(faults) == 0:
			return errors.New("no worker accepts messages")
		case errors.Is(err, io.EOF):
			return errors.Join(faults...)
		case err != nil:
			return fmt.Errorf("hotreload has ended: %w", err)
		case !a.Done:
			tell(a)
		case a.Error != "":
			faults = append(faults, errors.New(a.Error))
		default:
			done++
		}
	}
}
