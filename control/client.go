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
	http http.Client
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

// infoTimeout is how long a hotreload may take to say who it is. Felt right, not measured.
const infoTimeout = 2 * time.Second

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
	var found []*Client
	for _, path := range paths {
		c := dial(path)
		asked, cancel := context.WithTimeout(ctx, infoTimeout)
		err := c.get(asked, "/v1/info", &c.Info)
		cancel()
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			_ = os.Remove(path) // of a dead one
		case err != nil:
		case pid == c.Pid || pid == 0 && (within(dir, c.Dir) || within(dir, c.Root)):
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
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

// Replace has workers replaced, by reload, restart or rebuild, and waits for what comes of it.
func (c *Client) Replace(ctx context.Context, how, to string, order Order) ([]runner.Status, error) {
	return c.services(ctx, http.MethodPost, how, url.Values{"to": {to}, "strategy": {order.Strategy}, "surge": {order.Surge}})
}

// Halt sends workers away until they are wanted again, and waits until they are gone.
func (c *Client) Halt(ctx context.Context, to string) ([]runner.Status, error) {
	return c.services(ctx, http.MethodPost, "halt", url.Values{"to": {to}})
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

func (c *Client) do(ctx context.Context, method, path string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://hotreload"+path, nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body := json.NewDecoder(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode >= http.StatusBadRequest {
		var failed failure
		if err := body.Decode(&failed); err != nil || failed.Error == "" {
			return errors.New(response.Status)
		}
		if response.StatusCode == http.StatusBadRequest {
			return bad(errors.New(failed.Error))
		}
		return errors.New(failed.Error)
	}
	return body.Decode(answer)
}
