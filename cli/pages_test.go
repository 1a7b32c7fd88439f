package cli

import (
	"testing"

	"hotreload/runner"
	"hotreload/supervisor"
)

func TestScriptless(t *testing.T) {
	with, without := runner.Watching{FastHTTP: true}, runner.Watching{}
	for _, c := range []struct {
		name   string
		events []runner.Event
		said   int
	}{
		{"net/http", []runner.Event{without, runner.Reloaded{}, runner.Reloaded{}}, 0},
		{"fasthttp does not serve yet", []runner.Event{with, runner.BuildStarted{}}, 0},
		{"fasthttp serves", []runner.Event{with, runner.Reloaded{}, with, runner.Reloaded{}}, 1},
		{"fasthttp comes later", []runner.Event{without, runner.Reloaded{}, with, runner.Reloaded{}}, 1},
	} {
		var s scriptless
		said := 0
		for _, event := range c.events {
			if s.heard(event) {
				said++
			}
		}
		if said != c.said {
			t.Errorf("%s: said %d times, want %d", c.name, said, c.said)
		}
	}
}

func TestReachable(t *testing.T) {
	for addr, want := range map[string]string{
		":8080": "localhost:8080", "0.0.0.0:80": "localhost:80", "[::]:8080": "localhost:8080",
		"127.0.0.1:8080": "127.0.0.1:8080", "[::1]:8080": "[::1]:8080", "192.0.2.1:1": "192.0.2.1:1",
	} {
		if have := reachable(supervisor.Address{Network: "tcp", Addr: addr}); have != want {
			t.Errorf("%s: have %s, want %s", addr, have, want)
		}
	}
}
