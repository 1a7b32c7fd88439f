package browser

import (
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Said is a line of a page's console. All texts come from the page, are short, and contain no control characters except
// line breaks in Stack.
type Said struct {
	Service string
	Level   string // error, warn, info, log, debug
	Text    string
	Page    string // the page's address
	Path    string // of the page's address
	File    string // URL of the script; "" if not known
	Line    int
	Col     int
	Stack   string
	Dropped int // number of lines left out before this one, because there were too many

	Uncaught   bool // an uncaught error, or a rejected promise without a handler
	Generation int  // of the page
}

// Limits for lines of consoles. Felt right, not measured.
const (
	sayBurst = 20
	sayEvery = 200 * time.Millisecond
	longText = 2000
	longURL  = 500
	longTail = 4000
)

// limiter lets sayBurst through at once, and one in sayEvery.
type limiter struct {
	now func() time.Time

	mu      sync.Mutex // guards all below
	spent   float64
	at      time.Time
	dropped int
}

// allows reports whether one more line may pass, and how many lines were held back since the last one that passed.
func (l *limiter) allows() (yes bool, dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.spent = max(0, l.spent-float64(now.Sub(l.at))/float64(sayEvery))
	l.at = now
	if l.spent+1 > sayBurst {
		l.dropped++
		return false, 0
	}
	l.spent++
	dropped, l.dropped = l.dropped, 0
	return true, dropped
}

var levels = map[string]bool{"error": true, "warn": true, "info": false, "log": false, "debug": false}

// say receives a line of a page's console.
func (p *Pages) say(w http.ResponseWriter, r *asked) {
	var in struct {
		Level, Text, Page, Path, File, Stack string
		Line, Col, Generation                int
		Uncaught                             bool
	}
	if !readJSON(w, r, &in) {
		return
	}
	_, known := levels[in.Level]
	mode := p.options().Console
	if !known || mode == "off" || mode == "errors" && in.Level != "error" || p.config.Said == nil {
		http.Error(w, "hotreload: this is not wanted", http.StatusForbidden)
		return
	}
	yes, dropped := p.console.allows()
	if !yes {
		http.Error(w, "hotreload: too many messages", http.StatusTooManyRequests)
		return
	}
	p.config.Said(Said{
		Service: r.service, Level: in.Level, Text: harmless(in.Text, longText, false),
		Page: harmless(in.Page, longURL, false), Path: harmless(in.Path, longURL, false),
		File: harmless(in.File, longURL, false), Line: max(in.Line, 0), Col: max(in.Col, 0),
		Stack: harmless(in.Stack, longTail, true), Dropped: dropped,
		Uncaught: in.Uncaught && in.Level == "error", Generation: max(in.Generation, 0),
	})
	w.WriteHeader(http.StatusNoContent)
}

// harmless makes a page's text fit for a terminal: without control characters, which could draw, or fake lines of
// hotreload.
func harmless(text string, most int, lines bool) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) > most {
		text = text[:most]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
		text += "…"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines:
			return r
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r) && r != ' ':
			return '\uFFFD'
		}
		return r
	}, text)
}
