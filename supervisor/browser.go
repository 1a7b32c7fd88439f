package supervisor

import (
	"net"
	"os"
	"slices"
	"strings"

	"hotreload/supervisor/host"
)

// BrowserHook connects hotreload with the browsers on the program's pages. The hook owns all paths below
// /.hotreload/KEY/ on the program's own addresses. The agent in the worker passes connections with a request for such a
// path to the supervisor, before the program sees the request, and inserts Tag into the program's documents. The hook's
// functions are called from any goroutine and must return at once.
type BrowserHook struct {
	Key string // letters and digits, a secret

	// Pages returns what the agents of future workers of a generation do. Pages is called when an agent connects.
	Pages func(generation int) Pages

	// Take receives a connection, and owns the connection. The connection contains one request for a path below
	// /.hotreload/KEY/, with an allowed host. The request asks for the connection to be closed after the answer,
	// because the browser's next request would be meant for the program. Only these headers of the browser are left:
	// Accept, Content-Length, Content-Type, Expect, Host, Last-Event-Id, Origin, Referer, Sec-Fetch-*,
	// Transfer-Encoding, X-Forwarded-Proto. X-Forwarded-Proto is https if the worker speaks TLS. The remote address is
	// the browser's.
	//
	// For plain HTTP/1.1, Take receives the browser's own socket, so the connection outlives the worker. For TLS and
	// HTTP/2, an event stream ends when the worker begins to drain.
	Take func(net.Conn)

	// Unserved receives the connection of a browser with a request for a document, or for a path below
	// /.hotreload/KEY/, while no worker runs, and owns the connection. Nothing was read from the connection, and the
	// host was not checked. nil, or no Tag = browsers wait for a worker, as all other clients do.
	Unserved func(net.Conn)

	// Untagged reports a document without a tag, and the reason: once for each path and worker, and only for a few
	// paths. nil = no reports.
	Untagged func(path, reason string)
}

// Pages tells an agent what to do with the responses of its program.
type Pages struct {
	// Tag is inserted into documents: one element, `<script src="/.hotreload/KEY/client.js" … ></script>`, of at most
	// 1024 bytes. The agent adds a nonce if the document's Content-Security-Policy needs one. "" = no tag.
	Tag string

	// Hosts are the allowed host names, without ports, for documents and for /.hotreload/KEY/. localhost, *.localhost,
	// IP addresses and the names of this machine are always allowed. A name with a dot in front stands for all names
	// with this end.
	Hosts []string

	Cache  Cache // caching of a document's style sheets, scripts and images
	Panics bool  // a panic before a document's first byte becomes a page about the panic
}

// Cache tells how browsers may cache a document's style sheets, scripts and images.
type Cache byte

const (
	CacheProgram    = Cache(host.CacheProgram)    // as the program says
	CacheRevalidate = Cache(host.CacheRevalidate) // Cache-Control: no-cache, if the program says nothing
	CacheOff        = Cache(host.CacheOff)        // Cache-Control: no-cache
)

// openBrowser configures the agents for browsers.
func (a *agents) openBrowser(hook *BrowserHook) {
	if hook == nil {
		return
	}
	names := machineNames(os.Hostname())
	a.host.Browser(func(generation int) host.Browser {
		pages := hook.Pages(generation)
		b := host.Browser{Key: hook.Key, Cache: byte(pages.Cache), Panic: pages.Panics}
		if len(pages.Tag) <= host.MaxTag {
			b.Tag = pages.Tag
		}
		for _, name := range slices.Concat(names, pages.Hosts) {
			b.Hosts = append(b.Hosts, strings.ToLower(name))
		}
		return b
	})
}

// machineNames returns the names of this machine in its network.
func machineNames(name string, err error) []string {
	if err != nil || name == "" {
		return nil
	}
	names := []string{name}
	if short, _, long := strings.Cut(name, "."); long {
		names = append(names, short)
		name = short
	}
	return append(names, name+".local")
}

// heard passes an agent's news about browsers to the hook. The result is false for other news; the loop handles these.
func (h *BrowserHook) heard(e host.Event) bool {
	switch e := e.(type) {
	case host.Visited:
		if h == nil {
			e.Conn.Close()
		} else {
			h.Take(e.Conn)
		}
	case host.Untagged:
		if h != nil && h.Untagged != nil {
			h.Untagged(e.Path, e.Reason)
		}
	default:
		return false
	}
	return true
}
