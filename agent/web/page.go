package web

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// page is the answer to a request for a document. An HTML page gets the tag; any other answer passes unchanged. Held
// back are the header and the body, until the place of the tag is known; net/http would buffer them, too. A flushed
// page goes on at once.
type page struct {
	browser *Browser
	request *http.Request
	below   answer

	stage    stage
	code     int         // of the answer, as set by the handler; 0: not yet
	again    []int       // codes that the handler has set too late
	packed   *gunzip     // the handler writes gzip; nil: plain bytes
	snapshot http.Header // the headers at the time when the handler set the code
	changed  map[string][]string
	tag      string
	limit    int64 // Content-Length, as set by the handler; -1: not set
	written  int64 // by the handler
	late     bool  // a flush by the handler waits until the place of the tag is known

	held  []byte // of the page, from the beginning
	gone  int    // bytes of held already passed on
	place place
}

// answer is the answer below a page.
type answer interface {
	http.ResponseWriter
	FlushError() error
}

// stage is how far a page has come.
type stage uint8

const (
	stageNew     stage = iota // the handler has written nothing
	stageUnsaid               // the kind of the answer is not known
	stageHeld                 // the place is looked for; the header was not passed on
	stageSent                 // the place is looked for; the header was passed on
	stageThrough              // there is nothing left to do
	stageEnd                  // the tag comes at the end
)

// Sizes, in bytes: how much of a page to search for the place, and how much net/http reads to tell a type.
const (
	maxLook  = 8 << 10
	sniffLen = 512
)

// sayCode takes the handler's code, from the one call of WriteHeader (said) or implied by the first byte.
func (p *page) sayCode(code int, said bool) {
	p.code, p.limit = code, -1
	h := p.below.Header()
	is, why := kindOf(code, h)
	if why != "" {
		p.untagged(why)
	}
	if is == kindOther || !p.findTag(h) {
		p.stage = stageThrough
		if said {
			p.below.WriteHeader(code)
		}
		return
	}
	p.snapshot = copyOf(h)
	if length, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil {
		p.limit = length
	}
	switch p.stage = stageHeld; is {
	case kindUnsaid:
		p.stage = stageUnsaid
	case kindPacked:
		p.packed = newGunzip(p.take)
	}
}

// findTag makes the tag for a page with these headers; false if the page must not have a tag.
func (p *page) findTag(h http.Header) bool {
	p.tag = p.browser.tagFor(h)
	if len(h[enforced]) == 0 && len(h[reportOnly]) == 0 {
		return true
	}
	asks := asker{
		host: p.request.Host, secure: p.request.TLS != nil, script: root + p.browser.Key + "/client.js", random: newNonce,
	}
	changed, nonce, ok := asks.allowTag(h)
	if nonce != "" {
		p.tag = strings.Replace(p.tag, "></script>", ` nonce="`+nonce+`"></script>`, 1)
	}
	p.changed = changed
	return ok
}

func newNonce() string {
	var b [18]byte
	_, _ = rand.Read(b[:]) // fails only on a broken machine
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// writeHeader takes a code from the handler.
func (p *page) writeHeader(code int) {
	switch {
	case p.stage == stageNew && code >= 200 && code <= 999:
		p.sayCode(code, true)
	case p.stage == stageUnsaid, p.stage == stageHeld:
		p.again = append(p.again, code)
	default:
		p.below.WriteHeader(code)
	}
}

// write takes the handler's bytes.
func (p *page) write(data []byte) (int, error) {
	if p.stage == stageNew {
		p.sayCode(http.StatusOK, false)
	}
	if p.stage == stageThrough && p.packed == nil {
		return p.below.Write(data)
	}
	if p.limit >= 0 && p.written+int64(len(data)) > p.limit {
		return 0, http.ErrContentLength
	}
	if p.packed != nil && p.written == 0 && len(data) > 1 && (data[0] != 0x1f || data[1] != 0x8b) {
		p.abandon() // not gzip, despite the header
		p.packed = nil
		p.decide()
		return p.below.Write(data)
	}
	p.written += int64(len(data))
	var err error
	if p.packed != nil {
		err = p.packed.write(data)
	} else {
		err = p.take(data)
	}
	if err != nil {
		return 0, err
	}
	return len(data), nil
}

// writeString is write. Once there is nothing left to do, the string goes to net/http's own WriteString.
func (p *page) writeString(text string, below io.StringWriter) (int, error) {
	if p.stage == stageThrough && p.packed == nil {
		return below.WriteString(text)
	}
	return p.write([]byte(text))
}

// take takes the next bytes of the page, unpacked.
func (p *page) take(data []byte) error {
	if p.stage == stageThrough || p.stage == stageEnd {
		_, err := p.below.Write(data)
		return err
	}
	p.held = append(p.held, data...)
	err := p.look(false)
	if err == nil && p.late && (p.stage == stageThrough || p.stage == stageEnd) {
		p.late = false
		return p.below.FlushError()
	}
	return err
}

// tellType finds out from the held bytes, as net/http does, whether the answer is a page. all means: net/http will
// see no more bytes, so the result is final.
func (p *page) tellType(all bool) error {
	html := strings.HasPrefix(http.DetectContentType(p.held), "text/html")
	switch {
	case html:
		p.stage = stageHeld
	case all || len(p.held) >= sniffLen:
		return p.through()
	}
	return nil
}

// look decides as much as the held bytes allow; end means: no more bytes follow.
func (p *page) look(end bool) error {
	if p.stage == stageUnsaid {
		if err := p.tellType(end); err != nil || p.stage != stageHeld {
			return err
		}
	}
	is := p.place.look(p.held)
	if is == foundNothing {
		switch {
		case !end && len(p.held) < maxLook:
			return nil
		case end && len(p.held) == 0:
			return p.through()
		}
		if is = foundPart; p.place.rooted {
			is = foundPlace
		}
	}
	switch {
	case is == foundPlace && p.hasTag():
		return p.through()
	case is == foundPlace:
		at, before := p.place.next, p.gone
		return p.pass(stageThrough, append(append(append([]byte{}, p.held[before:at]...), p.tag...), p.held[at:]...))
	case is == foundPart && p.request.Header.Get("Sec-Fetch-Dest") == "document":
		return p.pass(stageEnd, p.held[p.gone:])
	}
	return p.through()
}

// hasTag reports whether the page has a tag already: from the program behind this one, which is a proxy.
func (p *page) hasTag() bool {
	rest := bytes.TrimLeft(p.held[p.place.next:], space)
	return bytes.HasPrefix(rest, []byte(`<script src="`+root))
}

// through passes on the held bytes and all later ones, unchanged.
func (p *page) through() error {
	p.tag = ""
	return p.pass(stageThrough, p.held[p.gone:])
}

// decide passes on the held bytes before the place of the tag is known: then the page gets no tag.
func (p *page) decide() {
	if p.stage == stageUnsaid || p.stage == stageHeld {
		_ = p.through() // the next write will meet the error
	}
}

// pass passes on the header, if still held, and text.
func (p *page) pass(next stage, text []byte) error {
	if p.stage == stageUnsaid || p.stage == stageHeld {
		p.sendHeader()
	}
	p.stage, p.held = next, nil
	if len(text) == 0 {
		return nil
	}
	_, err := p.below.Write(text)
	return err
}

// sendHeader passes on the header as of the handler's code; headers that the handler has set since then are trailers.
func (p *page) sendHeader() {
	h := p.below.Header()
	now := make(http.Header, len(h))
	setAll(now, h)
	setAll(h, p.snapshot)
	if p.packed != nil {
		delete(h, "Content-Encoding")
		delete(h, "Content-Length")
	}
	if p.tag != "" {
		for _, key := range []string{"Content-Md5", "Digest", "Content-Digest", "Repr-Digest"} {
			delete(h, key)
		}
		if p.limit >= 0 && p.packed == nil {
			h.Set("Content-Length", strconv.FormatInt(p.limit+int64(len(p.tag)), 10))
		}
		for key, values := range p.changed {
			h[key] = values
		}
		p.browser.keepFresh(h)
	}
	p.below.WriteHeader(p.code)
	for _, code := range p.again {
		p.below.WriteHeader(code) // net/http reports the superfluous call
	}
	setAll(h, now)
}

// flush passes on the held bytes. A page of known length waits until the place is known, for its Content-Length depends
// on that: httputil.ReverseProxy with a negative FlushInterval flushes before the first byte.
func (p *page) flush() error {
	if p.stage == stageNew {
		p.sayCode(http.StatusOK, false)
	}
	if p.stage == stageUnsaid { // no byte was written: in this case net/http does not guess
		_ = p.tellType(true)
	}
	if p.stage == stageHeld && p.limit >= 0 && p.packed == nil {
		p.late = true
		return nil
	}
	if p.stage == stageHeld {
		p.sendHeader()
		p.stage = stageSent
	}
	if p.stage == stageSent && p.place.next > p.gone { // an unfinished HTML tag waits for the rest
		if _, err := p.below.Write(p.held[p.gone:p.place.next]); err != nil {
			return err
		}
		p.gone = p.place.next
	}
	return p.below.FlushError()
}

// ends is called when the handler has returned.
func (p *page) ends() {
	if p.packed != nil {
		_ = p.packed.close() // the page ends at the first byte that cannot be unpacked
	}
	switch p.stage {
	case stageUnsaid, stageHeld, stageSent:
		_ = p.look(true)
	}
	if p.stage == stageEnd && (p.limit < 0 || p.packed != nil || p.written == p.limit) {
		_, _ = io.WriteString(p.below, p.tag)
	}
}

// abandon ends the unpacking: after a panic of the handler, and for a body that is not gzip.
func (p *page) abandon() {
	if p.packed != nil {
		_ = p.packed.close()
	}
}

// readFrom is io.ReaderFrom's. Once there is nothing left to do, the rest goes to net/http's own ReadFrom.
func (p *page) readFrom(from io.Reader, below io.ReaderFrom) (n int64, err error) {
	buffer := buffers.Get().(*[maxLook]byte)
	defer buffers.Put(buffer)
	if p.stage == stageNew {
		p.sayCode(http.StatusOK, false)
	}
	for p.stage != stageThrough || p.packed != nil {
		size, failed := from.Read(buffer[:])
		if size > 0 {
			size, err = p.write(buffer[:size])
			n += int64(size)
		}
		if failed != nil || err != nil {
			if err == nil && failed != io.EOF {
				err = failed
			}
			return n, err
		}
	}
	rest, err := below.ReadFrom(from)
	return n + rest, err
}

var buffers = sync.Pool{New: func() interface{} { return new([maxLook]byte) }}

func copyOf(h http.Header) http.Header {
	other := make(http.Header, len(h))
	for key, values := range h {
		other[key] = append([]string(nil), values...)
		if values != nil && other[key] == nil {
			other[key] = []string{}
		}
	}
	return other
}

func setAll(h, to http.Header) {
	for key := range h {
		delete(h, key)
	}
	for key, values := range to {
		h[key] = values
	}
}

// page1 is a page on HTTP/1, with all methods of the answer. It adds the tag.
type page1 struct {
	http1
	page page
}

// Unwrap is for http.ResponseController and for its future methods.
func (w *page1) Unwrap() http.ResponseWriter            { return w.http1 }
func (w *page1) WriteHeader(code int)                   { w.page.writeHeader(code) }
func (w *page1) Write(data []byte) (int, error)         { return w.page.write(data) }
func (w *page1) WriteString(text string) (int, error)   { return w.page.writeString(text, w.http1) }
func (w *page1) ReadFrom(from io.Reader) (int64, error) { return w.page.readFrom(from, w.http1) }
func (w *page1) Flush()                                 { _ = w.page.flush() }
func (w *page1) FlushError() error                      { return w.page.flush() }
func (w *page1) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.page.decide()
	return w.http1.Hijack()
}

// page2 is page1 for HTTP/2.
type page2 struct {
	http2
	page page
}

// Unwrap is like page1's.
func (w *page2) Unwrap() http.ResponseWriter          { return w.http2 }
func (w *page2) WriteHeader(code int)                 { w.page.writeHeader(code) }
func (w *page2) Write(data []byte) (int, error)       { return w.page.write(data) }
func (w *page2) WriteString(text string) (int, error) { return w.page.writeString(text, w.http2) }
func (w *page2) Flush()                               { _ = w.page.flush() }
func (w *page2) FlushError() error                    { return w.page.flush() }

// serve has a handler answer a request for a document.
func (b *Browser) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	p := page{browser: b, request: r}
	var wrapped http.ResponseWriter
	var its *page
	switch own := w.(type) {
	case http1:
		p.below = own
		one := &page1{own, p}
		wrapped, its = one, &one.page
	case http2:
		p.below = own
		one := &page2{own, p}
		wrapped, its = one, &one.page
	default:
		next.ServeHTTP(w, r)
		return
	}
	b.prepare(r)
	returned := false
	defer func() {
		if returned {
			return
		}
		its.abandon()
		if !b.Panics || its.stage != stageNew {
			return
		}
		if why := recover(); why != nil {
			its.showPanic(why)
			panic(why) // the rest is net/http's
		}
	}()
	next.ServeHTTP(wrapped, r)
	returned = true
	its.ends()
}

// maxUntagged is how many paths without a tag are reported: more would tell nothing new.
const maxUntagged = 16

var untagged struct {
	sync.Mutex
	paths map[string]bool
}

// untagged tells the supervisor, once for each path, that a page gets no tag.
func (p *page) untagged(why string) {
	untagged.Lock()
	defer untagged.Unlock()
	if path := p.request.URL.Path; !untagged.paths[path] && len(untagged.paths) < maxUntagged {
		if untagged.paths == nil {
			untagged.paths = map[string]bool{}
		}
		untagged.paths[path] = true
		if p.browser.Untagged != nil {
			p.browser.Untagged(path, why)
		}
	}
}
