package mcp

import (
	"strings"
	"testing"

	"hotreload/runner"
)

func TestDialled(t *testing.T) {
	for _, c := range []struct{ address, network, dial, host string }{
		{"127.0.0.1:8080", "tcp", "127.0.0.1:8080", "127.0.0.1:8080"},
		{":8080", "tcp", "localhost:8080", "localhost:8080"},
		{"[::]:8080", "tcp", "localhost:8080", "localhost:8080"},
		{"0.0.0.0:8080", "tcp", "localhost:8080", "localhost:8080"},
		{"tcp6:[::1]:8080", "tcp6", "[::1]:8080", "[::1]:8080"},
		{"tcp4::8080", "tcp4", "localhost:8080", "localhost:8080"},
		{"unix:/run/web.sock", "unix", "/run/web.sock", "localhost"},
		{"unix:@web", "unix", "@web", "localhost"},
	} {
		if network, dial, host := dialled(c.address); network != c.network || dial != c.dial || host != c.host {
			t.Errorf("%s: have %s %s %s, want %s %s %s", c.address, network, dial, host, c.network, c.dial, c.host)
		}
	}
}

func TestAddressFor(t *testing.T) {
	web := runner.Status{Name: "web", Addresses: []string{"unix:/run/web.sock", ":8080", ":8081"}}
	api := runner.Status{Name: "api", Addresses: []string{":9000"}}
	tick := runner.Status{Name: "tick"}
	for _, c := range []struct {
		name   string
		states []runner.Status
		wanted string
		want   string // or the error's words
	}{
		{"the first on TCP", []runner.Status{web, tick}, "", ":8080"},
		{"that was named", []runner.Status{web}, "unix:/run/web.sock", "unix:/run/web.sock"},
		{"one of several services", []runner.Status{web, api}, ":9000", ":9000"},
		{"of several services", []runner.Status{web, api}, "", "name one of web, api"},
		{"of somebody else", []runner.Status{api}, "example.com:80", "is none of the addresses: :9000"},
		{"of nobody", []runner.Status{tick}, "", "no worker listens"},
	} {
		have, err := addressFor(c.states, c.wanted)
		if err != nil {
			have = err.Error()
		}
		if have != c.want && (err == nil || !strings.Contains(have, c.want)) {
			t.Errorf("%s: have %q, want %q", c.name, have, c.want)
		}
	}
}
