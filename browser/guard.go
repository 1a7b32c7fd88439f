package browser

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Prefix is the beginning of all paths of this package; the key follows.
const Prefix = "/.hotreload/"

// guard decides who may ask. Each check stands for a fault that another tool had; see reference and tests.
type guard struct {
	key   string
	names []string // of this machine
}

func newGuard(key string) guard {
	g := guard{key: key}
	if name, err := os.Hostname(); err == nil && name != "" {
		name = strings.ToLower(name)
		short, _, _ := strings.Cut(name, ".")
		g.names = []string{name, short, short + ".local"}
	}
	return g
}

// refusal is why a request is refused: a status and a clause.
type refusal struct {
	status int
	why    string
}

// allows looks at a request, and returns the path below the key. The order of the checks is part of the rule: a request
// for a foreign host learns nothing about the key.
func (g guard) allows(r *http.Request, hosts []string) (path string, refused *refusal) {
	if !g.knows(r.Host, hosts) {
		return "", &refusal{http.StatusForbidden, "the host " + quoted(r.Host) + " is not allowed; [browser] hosts in " +
			"hotreload.toml lists more"}
	}
	rest, ours := strings.CutPrefix(r.URL.Path, Prefix)
	key, path, below := strings.Cut(rest, "/")
	if !ours || !below || subtle.ConstantTimeCompare([]byte(key), []byte(g.key)) != 1 {
		return "", &refusal{http.StatusNotFound, "no such page"}
	}
	if origins := r.Header.Values("Origin"); len(origins) > 1 || len(origins) == 1 && !sameOrigin(origins[0], r.Host) {
		return "", &refusal{http.StatusForbidden, "a page of another origin asks"}
	}
	// A hint in addition: browsers send it to secure places only.
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return "", &refusal{http.StatusForbidden, "a page of another site asks"}
	}
	return path, nil
}

// knows reports whether a Host header names this machine, or a host that the user allows. A page that was found by DNS
// rebinding has its own name there.
func (g guard) knows(host string, hosts []string) bool {
	name := hostname(host)
	if name == "" {
		return false
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return slices.Contains(g.names, name) || listed(name, hosts)
}

// listed reports whether the user's list has a name. An entry that begins with *. is for all names below it.
func listed(name string, hosts []string) bool {
	return slices.ContainsFunc(hosts, func(host string) bool {
		host = strings.ToLower(strings.TrimSuffix(host, "."))
		if below, all := strings.CutPrefix(host, "*"); all && strings.HasPrefix(below, ".") {
			return strings.HasSuffix(name, below) && len(name) > len(below)
		}
		return name == hostname(host)
	})
}

// hostname is the name of HOST or HOST:PORT, in lower case, without brackets; "" if it is none.
func hostname(host string) string {
	u, err := url.Parse("http://" + host)
	if err != nil || u.Host != host || u.User != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

// sameOrigin reports whether an Origin header is the origin of a page of this host. "null" never is, nor does an IP
// address have a privilege. A proxy that ends TLS has another scheme than we see, so both are right.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.User != nil {
		return false
	}
	return strings.EqualFold(withPort(u.Host, u.Scheme), withPort(host, u.Scheme))
}

// withPort adds the scheme's port where there is none.
func withPort(host, scheme string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return host + map[string]string{"http": ":80", "https": ":443"}[scheme]
}

// near reports whether a client may see source lines and logs, and open files and press buttons: it is on this machine,
// or has come by a name that the user allows.
func near(r *http.Request, hosts []string) bool {
	if listed(hostname(r.Host), hosts) {
		return true
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && at.Addr().Unmap().IsLoopback()
}

// quoted is a name from outside, in an answer.
func quoted(name string) string {
	if len(name) > 100 {
		name = name[:100] + "…"
	}
	return `"` + strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '<' || r == '>' || r == '&' || r > '~' {
			return '?'
		}
		return r
	}, name) + `"`
}
