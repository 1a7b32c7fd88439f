package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hotreload/runner"
)

// Client talks to one running hotreload.
type Client struct {
	Info
	http  http.Client
	at    string // host:port; "" = the socket
	token string
}

// ErrNone says that no hotreload runs here.
var ErrNone = errors.New("no hotreload runs here")

// SeveralError says that there is more than one to choose from.
type SeveralError struct{ Infos []Info }

func (e *SeveralError) Error() string {
	text := "several hotreloads run here:"
	for _, info := range e.Infos {
		text += fmt.Sprintf("\n  %d  %s  in %s", info.Pid, info.Program, info.Dir)
	}
	return text
}

// How long a hotreload may take to say who it is: on a busy machine one with many workers has taken more than two seconds.
// When one is found that is meant, the others have until othersTimeout after that to be meant too.
const (
	infoTimeout   = 20 * time.Second
	othersTimeout = time.Second
)

// Find finds the hotreload that was started in dir, in a folder above it or in the same module; or the one with this
// pid, if it is not 0.
func Find(ctx context.Context, dir string, pid int) (*Client, error) {
	sockets, err := folder()
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(sockets, "*.sock"))
	if err != nil {
		return nil, err
	}
	type answer struct {
		path string
		*Client
		err error
	}
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	answers := make(chan answer, len(paths))
	for _, path := range paths {
		go func() { // ends with the answer, or with ctx
			c := dial(path)
			answers <- answer{path, c, c.get(ctx, "/v1/info", &c.Info)}
		}()
	}
	var found []*Client
	var silent []string
	for range paths {
		got := <-answers
		switch {
		case errors.Is(got.err, syscall.ECONNREFUSED):
			_ = os.Remove(got.path) // of a dead one
		case errors.Is(got.err, context.DeadlineExceeded):
			silent = append(silent, strings.TrimSuffix(filepath.Base(got.path), ".sock"))
		case got.err != nil:
		case pid == got.Pid || pid == 0 && (within(dir, got.Dir) || within(dir, got.Root)):
			if found = append(found, got.Client); len(found) == 1 {
				time.AfterFunc(othersTimeout, cancel)
			}
		}
	}
	switch len(found) {
	case 0:
		if len(silent) > 0 {
			return nil, fmt.Errorf("%w that answers; silent is pid %s", ErrNone, strings.Join(silent, ", "))
		}
		return nil, ErrNone
	case 1:
		return found[0], nil
	}
	several := &SeveralError{}
	for _, c := range found {
		several.Infos = append(several.Infos, c.Info)
	}
	return nil, several
}

// Dial finds the hotreload that listens for commands at a TCP address. The token is read from its file. Without one
// (tokenFile "") or with a wrong one the error is ErrDenied, and the client may still ask for what is Public.
func Dial(ctx context.Context, address, tokenFile string) (*Client, error) {
	c := &Client{at: address}
	c.http.Transport = &http.Transport{DisableKeepAlives: true, Proxy: nil}
	if tokenFile != "" {
		token, err := readToken(tokenFile, false)
		if err != nil {
			return nil, err
		}
		c.token = token
	}
	return c, c.get(ctx, "/v1/info", &c.Info)
}

func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func dial(path string) *Client {
	c := &Client{}
	c.http.Transport = &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
	}
	return c
}

// Order is how workers are to be replaced; empty fields leave it to the service.
type Order struct{ Strategy, Surge string }

// Status and Wait ask how the services stand that to names ("" = all): at once, and when the tree as saved has come to
// something.
func (c *Client) Status(ctx context.Context, to string) ([]runner.Status, error) {
	return c.services(ctx, http.MethodGet, "status", url.Values{"to": {to}})
}

func (c *Client) Wait(ctx context.Context, to string) ([]runner.Status, error) {
	return c.services(ctx, http.MethodGet, "wait", url.Values{"to": {to}})
}

// Replace has workers replaced, by reload, restart or rebuild, and waits for what comes of it, or (wait false) does not.
func (c *Client) Replace(ctx context.Context, how, to string, order Order, wait bool) ([]runner.Status, error) {
	query := url.Values{"to": {to}, "strategy": {order.Strategy}, "surge": {order.Surge}}
	if !wait {
		query.Set("wait", "0")
	}
	return c.services(ctx, http.MethodPost, how, query)
}

// Public asks how things stand as somebody without a token may.
func (c *Client) Public(ctx context.Context) (answer Public, err error) {
	return answer, c.get(ctx, "/v1/public", &answer)
}

// Halt sends workers away until they are wanted again, and waits until they are gone.
func (c *Client) Halt(ctx context.Context, to string) ([]runner.Status, error) {
	return c.services(ctx, http.MethodPost, "halt", url.Values{"to": {to}})
}

// Recheck has hotreload look at the kill switch, and asks how the services stand.
func (c *Client) Recheck(ctx context.Context) ([]runner.Status, error) {
	return c.services(ctx, http.MethodPost, "recheck", nil)
}

// Scale has a service keep so many workers, and waits until it does.
func (c *Client) Scale(ctx context.Context, to string, workers int) ([]runner.Status, error) {
	return c.services(ctx, http.MethodPost, "scale", url.Values{"to": {to}, "workers": {strconv.Itoa(workers)}})
}

// Signal sends a signal to workers, and returns the pids of those that got it.
func (c *Client) Signal(ctx context.Context, to string, sig syscall.Signal) ([]int, error) {
	var answer Signalled
	err := c.post(ctx, "/v1/signal?"+url.Values{"to": {to}, "signal": {strconv.Itoa(int(sig))}}.Encode(), &answer)
	return answer.Pids, err
}

// Explain says how a change of a path would take effect, for each service.
func (c *Client) Explain(ctx context.Context, path string) (all []runner.Explanation, err error) {
	return all, c.get(ctx, "/v1/explain?path="+url.QueryEscape(path), &all)
}

func (c *Client) services(ctx context.Context, method, what string, query url.Values) ([]runner.Status, error) {
	var answer Services
	err := c.do(ctx, method, "/v1/"+what+"?"+query.Encode(), &answer)
	return answer.Services, err
}

// Stop returns when hotreload has ended.
func (c *Client) Stop(ctx context.Context) error {
	if err := c.post(ctx, "/v1/stop", &struct{}{}); err != nil {
		return err
	}
	for {
		if err := c.get(ctx, "/v1/info", &Info{}); err != nil {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *Client) get(ctx context.Context, path string, answer any) error {
	return c.do(ctx, http.MethodGet, path, answer)
}

func (c *Client) post(ctx context.Context, path string, answer any) error {
	return c.do(ctx, http.MethodPost, path, answer)
}

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 16 << 20

// ErrDenied is a refusal: no token, or a wrong one.
var ErrDenied = errors.New("denied")

func (c *Client) do(ctx context.Context, method, path string, answer any) error {
	response, err := c.ask(ctx, method, path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer)
}

// ask sends a request; an answer that says why not is an error.
func (c *Client) ask(ctx context.Context, method, path string) (*http.Response, error) {
	return c.askWith(ctx, method, path, nil)
}

func (c *Client) askWith(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	host := c.at
	if host == "" {
		host = "hotreload"
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+host+path, body)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil || response.StatusCode < http.StatusBadRequest {
		return response, err
	}
	defer response.Body.Close()
	var failed failure
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&failed); err != nil || failed.Error == "" {
		return nil, errors.New(response.Status)
	}
	switch response.StatusCode {
	case http.StatusBadRequest:
		return nil, bad(errors.New(failed.Error))
	case http.StatusUnauthorized:
		return nil, fmt.Errorf("%w%s", ErrDenied, strings.TrimPrefix(failed.Error, "denied"))
	}
	return nil, errors.New(failed.Error)
}

// Connections lists who is connected to the workers.
func (c *Client) Connections(ctx context.Context, to string) (answer Connections, err error) {
	return answer, c.get(ctx, "/v1/connections?"+url.Values{"to": {to}}.Encode(), &answer)
}

// Stream is which news Follow reads.
type Stream struct {
	What   string // events, logs
	To     string
	Output bool // events: the workers' output too
	Last   int  // so many lines of output from before come first
	Ends   bool // and nothing after them
}

// Follow calls tell with each piece of news until ctx ends, hotreload does (nil), or tell returns an error.
func (c *Client) Follow(ctx context.Context, s Stream, tell func(News) error) error {
	query := url.Values{"to": {s.To}, "last": {strconv.Itoa(s.Last)}}
	if s.Output {
		query.Set("output", "1")
	}
	if s.Ends {
		query.Set("follow", "0")
	}
	response, err := c.ask(ctx, http.MethodGet, "/v1/"+s.What+"?"+query.Encode())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for decoder := json.NewDecoder(response.Body); ; {
		var n News
		if err := decoder.Decode(&n); err != nil {
			return ctx.Err() // it has ended, in the middle of a line or not
		}
		if err := tell(n); err != nil {
			return err
		}
	}
}
