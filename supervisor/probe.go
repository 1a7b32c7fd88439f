package supervisor

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Probe is an HTTP request. A worker that answers is ready. The zero Probe is no probe.
//
// A request to the shared address may be answered by an old worker. So if the probe is only a path, workers with
// inherited sockets get one more, private to each worker, named "probe" in LISTEN_FDNAMES. Workers with sockets of
// their own are asked there (Linux). A full URL is used without a change.
type Probe struct {
	path string
	url  string
}

// ParseProbe reads http:/path or http://host:port/path.
func ParseProbe(text string) (Probe, error) {
	if path, ok := strings.CutPrefix(text, "http:"); ok && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") {
		return Probe{path: path}, nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return Probe{}, errors.New("a probe must be http:/path or http://host:port/path")
	}
	return Probe{url: u.String()}, nil
}

// IsZero reports whether there is no probe.
func (p Probe) IsZero() bool { return p == Probe{} }

func openProbeSocket() (*net.TCPListener, error) {
	return net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
}

// probeLimit is how long one request may take. A slower server is too busy to count as ready.
const probeLimit = 2 * time.Second

// answers sends one request. A redirect counts as an answer and is not followed, because a redirect may lead to another
// server.
func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	request.Close = true
	request.Header.Set("User-Agent", "hotreload-probe")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode < 400
}
