// Package mcp lets coding agents talk to a running hotreload by the Model Context Protocol, on stdin and stdout.
//
// # Theory of operation
//
// The protocol comes from the SDK (github.com/modelcontextprotocol/go-sdk); each tool is a function here. At each call,
// a tool looks for the hotreload of the folder (control.Find). So the editor can start the server once: before
// hotreload, and for many runs of hotreload. A tool returns text for the model, and the same as data.
//
// What is wrong with the code is no failure of a tool: wait and reload answer with the problems. A tool fails if no
// hotreload runs, if there is no such service, or if the time is over.
package mcp

import (
	"context"
	"io"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotreload/control"
)

// Server serves one agent.
type Server struct {
	Version string
	Dir     string // where the agent works, absolute: relative paths are relative to it

	// Find finds the hotreload to talk to.
	Find func(ctx context.Context) (*control.Client, error)
}

const instructions = "hotreload keeps a Go server running while its source changes: it builds and replaces the " +
	"server at each save. Do not build, start or stop the server yourself. After you have edited files, call wait: it " +
	"returns when what was saved serves, or with the problems that keep it from that, while the old code goes on " +
	"serving. Then use request to try the server."

// Serve answers until the agent closes in, or ctx ends.
func (s *Server) Serve(ctx context.Context, in io.ReadCloser, out io.WriteCloser) error {
	server := mcp.NewServer(&mcp.Implementation{Name: "hotreload", Title: "hotreload", Version: s.Version},
		&mcp.ServerOptions{Instructions: instructions})
	s.addTools(server)
	return server.Run(ctx, &mcp.IOTransport{Reader: in, Writer: out})
}
