// Package webhooks is package hooks together with the part for net/http.
package webhooks

import (
	"net"
	"net/http"
	"os"
	_ "unsafe" // for go:linkname

	"hotreload/agent/core"
	_ "hotreload/agent/hooks" // starts the agent, before the init function below
	"hotreload/agent/protocol"
	"hotreload/agent/web"
)

// testHookServerServe is called by Serve for each server, before the server accepts.
//
//go:linkname testHookServerServe net/http.testHookServerServe
var testHookServerServe func(*http.Server, net.Listener)

func init() {
	if core.Running() {
		core.Busy, core.Requests, core.EndStreams = web.Busy, web.Requests, web.EndStreams
		core.GoAway = web.GoAway
		web.Outlasts, web.Shutdown = core.Outlasts, core.Shutdown
		wanted := core.Browser
		web.NewBrowser(web.Browser{
			Key: wanted.Key, Tag: wanted.Tag, Hosts: wanted.Hosts, Panics: wanted.Panic,
			Revalidate: wanted.Cache == protocol.CacheRevalidate, Uncached: wanted.Cache == protocol.CacheOff,
			Visit: core.Visit, Untagged: core.Untagged,
		})
		mover := web.NewMover(web.Agent{
			Moving: core.Moving, See: core.See, Adopt: core.Adopt, ListenerOf: core.ListenerOf, Move: core.Move,
			Mode: os.Getenv(core.MovingVariable),
		})
		if mover != nil {
			core.Movers = mover
		}
		testHookServerServe = func(server *http.Server, listener net.Listener) {
			web.Install(server, core.Draining)
			mover.Follow(server, listener)
		}
	}
}
