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

// Status, Wait, Reload, Rebuild and Explain are the runner's; Stop returns when hotreload has ended.
func (c *Client) Status(ctx context.Context) (s runner.Status, err error) {
	return s, c.get(ctx, "/v1/status", &s)
}

func (c *Client) Wait(ctx context.Context) (s runner.Status, err error) {
	return s, c.get(ctx, "/v1/wait", &s)
}

func (c *Client) Reload(ctx context.Context) (s runner.Status, err error) {
	return s, c.post(ctx, "/v1/reload", &s)
}

func (c *Client) Rebuild(ctx context.Context) (s runner.Status, err error) {
	return s, c.post(ctx, "/v1/rebuild", &s)
}

func (c *Client) Explain(ctx context.Context, path string) (e runner.Explanation, err error) {
	return e, c.get(ctx, "/v1/explain?path="+url.QueryEscape(path), &e)
}

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
		return errors.New(failed.Error)
	}
	return body.Decode(answer)
}
