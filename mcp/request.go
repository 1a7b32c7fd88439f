package mcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hotreload/control"
	"hotreload/runner"
)

type (
	asking struct {
		Path    string            `json:"path" jsonschema:"path with the query, such as /users?id=3"`
		Service string            `json:"service,omitempty" jsonschema:"name of a service; needed if several services listen"`
		Method  string            `json:"method,omitempty" jsonschema:"GET without it"`
		Headers map[string]string `json:"headers,omitempty" jsonschema:"headers of the request"`
		Body    string            `json:"body,omitempty" jsonschema:"body of the request"`
		Address string            `json:"address,omitempty" jsonschema:"one of the service's addresses; the first without it"`
		TLS     bool              `json:"tls,omitempty" jsonschema:"speak HTTPS, and do not check the certificate"`
	}
	response struct {
		URL       string            `json:"url"`
		Status    int               `json:"status"`
		Headers   map[string]string `json:"headers"`
		Body      string            `json:"body"`
		Truncated bool              `json:"truncated,omitempty" jsonschema:"true if the body is longer than what is returned"`
	}
)

// Limits of a request: a model reads no longer bodies, and an agent waits no longer.
const (
	maxBody      = 64 << 10
	requestLimit = 30 * time.Second
)

// request sends a request to a service at the service's own address. Other addresses are refused, and a redirect is the
// answer.
func (s *Server) request(ctx context.Context, c *control.Client, in asking) (string, response, error) {
	var out response
	states, err := c.Status(ctx, in.Service)
	if err != nil {
		return "", out, err
	}
	address, err := addressFor(states, in.Address)
	if err != nil {
		return "", out, err
	}
	target, err := url.Parse(in.Path)
	if err != nil || target.IsAbs() || target.Host != "" || !strings.HasPrefix(in.Path, "/") {
		return "", out, fmt.Errorf("path %q must begin with one slash, without a host", in.Path)
	}
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	network, dial, host := dialled(address)
	if target.Scheme, target.Host = "http", host; in.TLS {
		target.Scheme = "https"
	}
	method := strings.ToUpper(in.Method)
	if method == "" {
		method = http.MethodGet
	}
	asked, err := http.NewRequestWithContext(ctx, method, target.String(), strings.NewReader(in.Body))
	if err != nil {
		return "", out, err
	}
	for name, value := range in.Headers {
		asked.Header.Set(name, value)
		if http.CanonicalHeaderKey(name) == "Host" {
			asked.Host = value
		}
	}
	client := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, network, dial)
			},
		},
	}
	answer, err := client.Do(asked)
	if err != nil {
		return "", out, err
	}
	defer answer.Body.Close()
	out = response{URL: target.String(), Status: answer.StatusCode, Headers: map[string]string{}}
	for name, values := range answer.Header {
		out.Headers[name] = strings.Join(values, ", ")
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	if out.Truncated = len(body) > maxBody; out.Truncated {
		body = body[:maxBody]
	}
	if out.Body = string(body); !utf8.Valid(body) && !out.Truncated {
		out.Body = fmt.Sprintf("(%d bytes that are no text)", len(body))
	}
	return textOf(answer.Status, out), out, err
}

// textOf writes a response for the model.
func textOf(status string, r response) string {
	var text strings.Builder
	text.WriteString(status + "\n")
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		text.WriteString(name + ": " + r.Headers[name] + "\n")
	}
	text.WriteString("\n" + strings.ToValidUTF8(r.Body, "\uFFFD"))
	if r.Truncated {
		fmt.Fprintf(&text, "\n… (the body is longer than %d bytes)", maxBody)
	}
	return text.String()
}

// addressFor chooses an address among those of the services.
func addressFor(states []runner.Status, wanted string) (string, error) {
	var all, names []string
	for _, s := range states {
		if len(s.Addresses) > 0 {
			names = append(names, s.Name)
		}
		all = append(all, s.Addresses...)
	}
	switch {
	case len(all) == 0:
		return "", errors.New("no worker listens on an address that hotreload knows; status shows what runs")
	case wanted != "" && !slices.Contains(all, wanted):
		return "", fmt.Errorf("%s is none of the addresses: %s", wanted, strings.Join(all, ", "))
	case wanted != "":
		return wanted, nil
	case len(names) > 1:
		return "", fmt.Errorf("several services listen: name one of %s", strings.Join(names, ", "))
	}
	for _, address := range all { // web servers listen on TCP mostly
		if !strings.HasPrefix(address, "unix:") {
			return address, nil
		}
	}
	return all[0], nil
}

// dialled tells how to connect to an address, and the host of the URL.
func dialled(address string) (network, dial, host string) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return "unix", path, "localhost"
	}
	for _, prefix := range []string{"tcp4:", "tcp6:"} {
		if rest, ok := strings.CutPrefix(address, prefix); ok {
			network, address = strings.TrimSuffix(prefix, ":"), rest
		}
	}
	if network == "" {
		network = "tcp"
	}
	name, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(name); err == nil && (name == "" || ip != nil && ip.IsUnspecified()) {
		name = "localhost"
	}
	return network, net.JoinHostPort(name, port), net.JoinHostPort(name, port)
}
