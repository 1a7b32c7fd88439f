package web

import (
	"net/http"
	"strings"
)

// isDocument reports whether a browser requests a page to show; only the answer to such a request may get the tag.
// All other answers stay the same to the byte: fragments for scripts, files, streams, other protocols. Old browsers
// do not send Sec-Fetch-Dest, and no browser sends the header on plain HTTP to another machine: there Accept decides.
func (b *Browser) isDocument(r *http.Request) bool {
	if b == nil || b.Tag == "" || r.Method != http.MethodGet && r.Method != http.MethodPost {
		return false
	}
	h := r.Header
	if !accepts(h["Accept"], "text/html") {
		return false
	}
	switch h.Get("Sec-Fetch-Dest") {
	case "document", "iframe", "frame", "":
	case "empty": // as of what scripts fetch, and of a page that a service worker passes on: only that is navigation
		if h.Get("Sec-Fetch-Mode") != "navigate" {
			return false
		}
	default:
		return false
	}
	for _, key := range notDocument {
		if len(h[key]) > 0 {
			return false
		}
	}
	return b.allows(r.Host)
}

// notDocument are headers of requests other than a browser's for a page: requests for another protocol, for a piece
// of a file, by the script of a page, or passed on by another program of hotreload, whose page gets the tag there.
var notDocument = []string{
	"Upgrade", "Range", "Hx-Request", "Datastar-Request", "Turbo-Frame", "X-Up-Version", "X-Pjax", "X-Requested-With",
	passedOn,
}

// passedOn marks a request for a document with the tag of this program. A proxy passes the mark on.
const passedOn = "X-Hotreload"

// accepts reports whether a list of media types contains want.
func accepts(lists []string, want string) bool {
	for _, list := range lists {
		for _, one := range strings.Split(list, ",") {
			if end := strings.IndexByte(one, ';'); end >= 0 {
				one = one[:end]
			}
			if strings.EqualFold(strings.Trim(one, space), want) {
				return true
			}
		}
	}
	return false
}

// prepare has the program answer with the whole page, uncompressed: a page in a browser's cache may lack the tag, and
// a compressed page would have to be unpacked. prepare changes the request itself and makes no copy, for net/http
// removes the files of the multipart form in its own request only.
func (b *Browser) prepare(r *http.Request) {
	for _, key := range []string{"Accept-Encoding", "If-None-Match", "If-Modified-Since"} {
		delete(r.Header, key)
	}
	r.Header.Set(passedOn, b.Key)
}

// kind is the kind of an answer to a request for a document, as far as the headers tell.
type kind uint8

const (
	kindOther  kind = iota // no page
	kindPage               //
	kindPacked             // a page, compressed with gzip although the request did not ask for gzip
	kindUnsaid             // the first bytes decide, as in net/http
)

// kindOf tells the kind of an answer, and why a page cannot get a tag, if so.
func kindOf(code int, h http.Header) (is kind, why string) {
	if code < 200 || code >= 300 && code < 400 || code == http.StatusNoContent || code == http.StatusPartialContent {
		return kindOther, ""
	}
	if disposition := h.Get("Content-Disposition"); len(disposition) >= len("attachment") &&
		strings.EqualFold(disposition[:len("attachment")], "attachment") {
		return kindOther, ""
	}
	encoding := strings.ToLower(h.Get("Content-Encoding"))
	types, said := h["Content-Type"]
	switch {
	case !said && encoding == "":
		return kindUnsaid, ""
	case len(types) == 0 || !accepts(types[:1], "text/html"):
		return kindOther, ""
	}
	if charset := charsetOf(types[0]); !extendsASCII(charset) {
		return kindOther, "its charset is " + charset
	}
	switch encoding {
	case "", "identity":
		return kindPage, ""
	case "gzip", "x-gzip":
		return kindPacked, ""
	}
	return kindOther, "its Content-Encoding is " + encoding
}

// charsetOf is a content type's charset in lower case, or "".
func charsetOf(contentType string) string {
	for i, parameter := range strings.Split(contentType, ";") {
		equals := strings.IndexByte(parameter, '=')
		if i > 0 && equals > 0 && strings.EqualFold(strings.Trim(parameter[:equals], space), "charset") {
			return strings.ToLower(strings.Trim(parameter[equals+1:], space+`"'`))
		}
	}
	return ""
}

// extendsASCII reports whether the tag reads in this charset as in ASCII, after any text.
func extendsASCII(charset string) bool {
	for _, other := range []string{"utf-16", "utf16", "utf-32", "utf32", "utf-7", "ucs", "iso-10646-ucs", "unicode",
		"csunicode", "iso-2022", "csiso2022", "hz-gb", "ebcdic", "ibm037", "cp037"} {
		if strings.HasPrefix(charset, other) && charset != "unicode-1-1-utf-8" && charset != "unicode11utf8" &&
			charset != "unicode20utf8" {
			return false
		}
	}
	return true
}
