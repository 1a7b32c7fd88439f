// Package webhooks is package hooks with the part for net/http.
package webhooks

import (
	"net"
	"net/http"
	_ "unsafe" // for go:linkname

	"hotreload/worker/linked/agent"
	_ "hotreload/worker/linked/hooks" // starts the agent, before the init function below
	"hotreload/worker/linked/web"
)

// testHookServerServe is called by Serve with each server, before it accepts.
//
//go:linkname testHookServerServe net/http.testHookServerServe
var testHookServerServe func(*http.Server, net.Listener)

func init() {
	if agent.Running() {
		agent.Busy, agent.Requests = web.Busy, web.Requests
		testHookServerServe = func(server *http.Server, _ net.Listener) { web.Install(server, agent.Draining) }
	}
}
