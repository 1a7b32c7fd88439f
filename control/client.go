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
	at    string // host:port; "" for the socket
	token string
}

// ErrNone means that no hotreload runs here.
var ErrNone = errors.New("no hotreload runs here")

// SeveralError means that several hotreloads run here.
type SeveralError struct{ Infos []Info }

func (e *SeveralError) Error() string {
	text := "several hotreloads run here:"
	for _, info := range e.Infos {
		text += fmt.Sprintf("\n  %d  %s  in %s", info.Pid, info.Program, info.Dir)
	}
	return text
}

// How long a hotreload may take to identify itself: on a busy machine, one with many workers took more than two
// seconds. After the first match, the others have othersTimeout to match, too.
const (
	infoTimeout   = 20 * time.Second
	othersTimeout = time.Second
)

// Find finds the hotreload that was started in dir, in a folder above, or in the same module; or the one with this pid,
// if it is not 0.
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
			_ = os.Remove(got.path) // the socket of a dead hotreload
		case errors.Is(got.err, context.DeadlineExceeded):
			silent = append(silent, strings.TrimSuffix(filepath.Base(got.path), ".sock"))
		case got.err != nil:
		case pid == got.Pid || pid == 0 && (inside(dir, got.Dir) || inside(dir, got.Root)):
			if found = append(found, got.Client); len(found) == 1 {
				time.AfterFunc(othersTimeout, cancel)
			}
		}
	}
	switch len(found) {
	case 0:
		if len(silent) > 0 {
			return nil, fmt.Errorf("%w that answers; no answer from pid %s", ErrNone, strings.Join(silent, ", "))
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

// Dial connects to a hotreload at a TCP address. The token comes from a file. Without a token (tokenFile "") or with a
// wrong one the error is ErrDenied, and the client can still ask for Public.
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

// inside reports whether a path is within a folder, under any of their names through symbolic links.
func inside(path, dir string) bool {
	return within(path, dir) || within(real(path), real(dir))
}

// real resolves symbolic links, as far as the path exists.
func real(path string) string {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved
	}
	dir := filepath.Dir(path)
	if dir == path {
		return path
	}
	return filepath.Join(real(dir), filepath.Base(path))
}

// Named returns a path as this hotreload names it. A path that reaches its folder or module through symbolic links gets
// hotreload's name for the folder.
func (i Info) Named(path string) string {
	for _, dir := range []string{i.Root, i.Dir} {
		if dir == "" || within(path, dir) {
			continue
		}
		// The last part may itself be a link, and keeps its name.
		if rel, err := filepath.Rel(real(dir), filepath.Join(real(filepath.Dir(path)), filepath.Base(path))); err == nil &&
			rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return filepath.Join(dir, rel)
		}
	}
	return path
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

// Order tells how to replace workers; empty fields leave the choice to the service.
type Order struct{ Strategy, Surge string }

// Status and Wait return the state of the services in to ("" for all): at once, or when the saved code serves or has
// failed.
func (c *Client) Status(ctx context.Context, to string) ([]runner.Status, error) {
	return c.services(ctx, http.MethodGet, "status", url.Values{"to": {to}})
}

func (c *Client) Wait(ctx context.Context, to string) ([]runner.Status, error) {
	return c.services(ctx, http.MethodGet, "wait", url.Values{"to": {to}})
}

// WaitTests is Wait, and waits then until the tests of what was saved have ended.
func (c *Client) WaitTests(ctx context.Context, to string) (answer Services, err error) {
	return answer, c.get(ctx, "/v1/wait?"+url.Values{"to": {to}, "tests": {"1"}}.Encode(), &answer)
}

// Console returns the latest console output of pages in browsers, the newest last.
func (c *Client) Console(ctx context.Context, to string, last int) ([]News, error) {
	var answer Console
	err := c.get(ctx, "/v1/console?"+url.Values{"to": {to}, "last": {strconv.Itoa(last)}}.Encode(), &answer)
	return answer.Events, err
}

// Replace replaces workers by reload, restart or rebuild, and waits for the outcome if wait is true.
func (c *Client) Replace(ctx context.Context, how, to string, order Order, wait bool) ([]runner.Status, error) {
	query := url.Values{"to": {to}, "strategy": {order.Strategy}, "surge": {order.Surge}}
	if !wait {
		query.Set("wait", "0")
	}
	return c.services(ctx, http.MethodPost, how, query)
}

// Public returns the public part of the state.
func (c *Client) Public(ctx context.Context) (answer Public, err error) {
	return answer, c.get(ctx, "/v1/public", &answer)
}

// StopWorkers stops workers until they are started again, and waits for their exit.
func (c *Client) StopWorkers(ctx context.Context, to string) ([]runner.Status, error) {
	return c.services(ctx, http.MethodPost, "stop", url.Values{"to": {to}})
}

// Recheck makes hotreload read the kill switch, and returns the state of the services.
func (c *Client) Recheck(ctx context.Context) ([]runner.Status, error) {
	return c.services(ctx, http.MethodPost, "recheck", nil)
}

// Scale sets a service's number of workers, and waits until they serve.
func (c *Client) Scale(ctx context.Context, to string, workers int) ([]runner.Status, error) {
	return c.services(ctx, http.MethodPost, "scale", url.Values{"to": {to}, "workers": {strconv.Itoa(workers)}})
}

// Signal sends a signal to workers, and returns the pids of the signalled workers.
func (c *Client) Signal(ctx context.Context, to string, sig syscall.Signal) ([]int, error) {
	var answer Signalled
	err := c.post(ctx, "/v1/signal?"+url.Values{"to": {to}, "signal": {strconv.Itoa(int(sig))}}.Encode(), &answer)
	return answer.Pids, err
}

// Explain tells how a change of a path would take effect, for each service; without a path, of all files that workers
// have read or written.
func (c *Client) Explain(ctx context.Context, path string) (all []runner.Explanation, err error) {
	return all, c.get(ctx, "/v1/explain?path="+url.QueryEscape(path), &all)
}

func (c *Client) services(ctx context.Context, method, what string, query url.Values) ([]runner.Status, error) {
	var answer Services
	err := c.do(ctx, method, "/v1/"+what+"?"+query.Encode(), &answer)
	return answer.Services, err
}

// UI returns the address of the page about hotreload itself.
func (c *Client) UI(ctx context.Context) (address string, err error) {
	var answer UI
	err = c.get(ctx, "/v1/ui", &answer)
	return answer.Address, err
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

// maxAnswer is the largest answer that is read, in bytes.
const maxAnswer = 16 << 20

// ErrDenied means a missing or wrong token.
var ErrDenied = errors.New("denied")

func (c *Client) do(ctx context.Context, method, path string, answer any) error {
	response, err := c.request(ctx, method, path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer)
}

// request sends a request; an answer with an error becomes an error.
func (c *Client) request(ctx context.Context, method, path string) (*http.Response, error) {
	return c.requestWith(ctx, method, path, nil)
}

func (c *Client) requestWith(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
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
	err = json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&failed)
	if err != nil || failed.Error == "" {
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

// Connections lists the workers' connections.
func (c *Client) Connections(ctx context.Context, to string) (answer Connections, err error) {
	return answer, c.get(ctx, "/v1/connections?"+url.Values{"to": {to}}.Encode(), &answer)
}

// Stream selects the news that Follow reads.
type Stream struct {
	What   string // events, logs
	To     string
	Output bool // events: also the workers' output
	Last   int  // this many earlier lines of output come first
	Ends   bool // and no later lines
}

// Follow calls tell with each piece of news until ctx ends, hotreload ends (nil), or tell returns an error.
func (c *Client) Follow(ctx context.Context, s Stream, tell func(News) error) error {
	query := url.Values{"to": {s.To}, "last": {strconv.Itoa(s.Last)}}
	if s.Output {
		query.Set("output", "1")
	}
	if s.Ends {
		query.Set("follow", "0")
	}
	response, err := c.request(ctx, http.MethodGet, "/v1/"+s.What+"?"+query.Encode())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for decoder := json.NewDecoder(response.Body); ; {
		var n News
		if err := decoder.Decode(&n); err != nil {
			return ctx.Err() // hotreload has ended, possibly in the middle of a line
		}
		if err := tell(n); err != nil {
			return err
		}
	}
}
