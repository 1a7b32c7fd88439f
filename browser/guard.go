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

// guard decides which requests are answered. Each check prevents a fault of another tool; the tests name these faults.
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

// refusal is the reason for refusing a request: a status and a clause.
type refusal struct {
	status int
	why    string
}

// allows checks a request, and returns the path below the key. The order of the checks is part of the rule: the answer
// to a request for a foreign host tells nothing about the key.
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
	// Only in addition: browsers send this header to secure origins only.
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return "", &refusal{http.StatusForbidden, "a page of another site asks"}
	}
	return path, nil
}

// knows reports whether a Host header names this machine, or a host that the user allows. After DNS rebinding, a
// foreign page's own name is in the header.
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

// listed reports whether a name is in the user's list. An entry that begins with *. stands for all names below.
func listed(name string, hosts []string) bool {
	return slices.ContainsFunc(hosts, func(host string) bool {
		host = strings.ToLower(strings.TrimSuffix(host, "."))
		if below, all := strings.CutPrefix(host, "*"); all && strings.HasPrefix(below, ".") {
			return strings.HasSuffix(name, below) && len(name) > len(below)
		}
		return name == hostname(host)
	})
}

// hostname returns the name in HOST or HOST:PORT, in lower case, without brackets; "" if there is none.
func hostname(host string) string {
	u, err := url.Parse("http://" + host)
	if err != nil || u.Host != host || u.User != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

// sameOrigin reports whether an Origin header is the origin of a page of this host. "null" is foreign, and IP addresses
// have no privilege. Both schemes are right, because a proxy in front may end TLS.
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

// near reports whether a client may see source lines and logs, open files and press buttons: a client on this machine,
// or one that uses a name in the user's list.
func near(r *http.Request, hosts []string) bool {
	if listed(hostname(r.Host), hosts) {
		return true
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && at.Addr().Unmap().IsLoopback()
}

// quoted makes a foreign name fit for an answer.
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
