package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hotreload/gobuild"
)

// Pages is what hotreload does in the program's pages.
type Pages struct {
	Enabled bool
	Reload  string // page, morph, off
	CSS     bool
	Overlay bool
	Panics  bool
	Cache   string // revalidate, off, program
	Open    bool
	Editor  []string // the command; nil = none
	Find    bool     // an editor is to be looked for
	Console string   // off, errors, all
	Hosts   []string // in lower case; *.NAME is for all names below
	Proxy   string   // the address of a proxy, with a host; "" = none
	Others  []string // services for which the pages of all reload
	ProxyTo string   // the program's address; "" = the first
}

// pages reads the table [browser] and its flags.
func (r *Resolved) pages(env []string) (p Pages, err error) {
	p = Pages{Enabled: !NoBrowser.Of(r.Values), Reload: "page", CSS: true, Overlay: true, Panics: true,
		Cache: "revalidate", Open: Open.Of(r.Values), Find: true, Console: "auto"}
	if r.file != nil {
		err = r.file.pages(&p)
	}
	if p.Console == "auto" {
		if p.Console = "off"; agentRuns(env) {
			p.Console = "errors"
		}
	}
	return p, err
}

func (f *file) pages(p *Pages) error {
	t := BrowserTable.in(f.top)
	truth := func(key Key[bool], to *bool) {
		if value, said := t.values[key.Key()].(bool); said {
			*to = value
		}
	}
	enabled := true
	truth(BrowserEnabled, &enabled)
	p.Enabled = p.Enabled && enabled
	truth(BrowserCSS, &p.CSS)
	truth(BrowserOverlay, &p.Overlay)
	truth(BrowserPanics, &p.Panics)
	open := false
	truth(BrowserOpen, &open)
	p.Open = p.Open || open
	choices := []*string{&p.Reload, &p.Cache, &p.Console}
	for i, key := range []Key[string]{BrowserReload, BrowserCache, BrowserConsole} {
		to := choices[i]
		word, said := t.values[key.Key()].(string)
		switch {
		case !said:
		case slices.Contains(key.Words, word):
			*to = word
		default:
			words := strings.Join(key.Words, ", ")
			return f.at(f.line(t, key.Key()), fmt.Errorf("%s = %q is none of %s", key.Key(), word, words),
				key.Words[0]+" is right for most")
		}
	}
	if err := f.editor(t, p); err != nil {
		return err
	}
	addresses := []*string{&p.Proxy, &p.ProxyTo}
	for i, key := range []Key[string]{BrowserProxy, BrowserProxyTo} {
		address, err := withHost(key.in(t))
		if err != nil {
			return f.at(f.line(t, key.Key()), fmt.Errorf("%s = %q is not an address: %w", key.Key(), key.in(t), err),
				"write PORT or HOST:PORT")
		}
		if strings.HasPrefix(address, ":") {
			address = "localhost" + address
		}
		*addresses[i] = address
	}
	for _, name := range BrowserReloadOn.in(t) {
		if !f.declares(name) {
			return f.at(f.line(t, "reload_on"), fmt.Errorf("reload_on = %q is not a service", name),
				"reload_on lists services for which the pages of all services reload")
		}
		p.Others = append(p.Others, name)
	}
	for _, host := range BrowserHosts.in(t) {
		name := strings.ToLower(host)
		if rest := strings.TrimPrefix(name, "*."); rest == "" || strings.ContainsAny(rest, "*:/@?# \t[]") {
			return f.at(f.line(t, "hosts"), fmt.Errorf("hosts = %q is not a host name", host),
				`a name without port and scheme: "my.tunnel.dev", or "*.team.dev" for all names below`)
		}
		p.Hosts = append(p.Hosts, name)
	}
	return nil
}

func (f *file) editor(t table, p *Pages) error {
	text, said := t.values[BrowserEditor.Key()].(string)
	if !said || text == "auto" {
		return nil
	}
	p.Find = false
	if text == "none" {
		return nil
	}
	words, err := gobuild.SplitQuoted(text)
	if err == nil && len(words) == 0 {
		err = errors.New("the command is missing")
	}
	if err != nil {
		return f.at(f.line(t, "editor"), fmt.Errorf("editor = %q is not a command: %w", text, err),
			`auto, none, or a command such as "code -g {file}:{line}:{col}"`)
	}
	p.Editor = words
	return nil
}

// agents are variables that coding agents set for the commands that they run.
var agents = []string{
	"CLAUDECODE", "CURSOR_AGENT", "CODEX_SANDBOX", "GEMINI_CLI", "OPENCODE", "AI_AGENT",
}

// agentRuns reports whether a coding agent has started hotreload.
func agentRuns(env []string) bool {
	return slices.ContainsFunc(env, func(entry string) bool {
		name, value, _ := strings.Cut(entry, "=")
		return value != "" && slices.Contains(agents, name)
	})
}
