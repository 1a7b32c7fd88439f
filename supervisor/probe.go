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

// Probe is an HTTP request whose answer means that a worker is ready. The zero Probe asks nothing.
//
// A request to the address that all workers share may be answered by an old worker. So with a path alone, workers
// that inherit sockets get one more, named "probe" in LISTEN_FDNAMES, that only they have; those that open their own
// are asked where they listen (Linux). A full URL is asked as it is.
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
		return Probe{}, errors.New("a probe is http:/path or http://host:port/path")
	}
	return Probe{url: u.String()}, nil
}

// IsZero reports whether there is nothing to ask.
func (p Probe) IsZero() bool { return p == Probe{} }

func openProbeSocket() (*net.TCPListener, error) {
	return net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
}

// probeLimit is how long one probe may take; a server that needs longer has more to do than to say that it is there.
const probeLimit = 2 * time.Second

// answers asks once. Redirects are answers; what leads away from the worker is not followed.
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
