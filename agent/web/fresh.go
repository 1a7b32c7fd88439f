package web

import (
	"net/http"
	"strings"
	"time"
)

// isLoaded reports whether a request is for a part of a document: a style sheet, a script, an image. A fetch by a
// script is not. Browsers name the purpose in Sec-Fetch-Dest, except on plain HTTP to another machine: there Accept
// tells, or, if the request names a page, the end of the path.
func (b *Browser) isLoaded(r *http.Request) bool {
	if b == nil || !b.Revalidate && !b.Uncached || r.Method != http.MethodGet || len(r.Header["Range"]) > 0 {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "":
	case "style", "script", "image", "font", "manifest", "worker", "sharedworker", "serviceworker", "audioworklet",
		"paintworklet", "audio", "video", "track", "object", "embed", "json", "xslt":
		return true
	default:
		return false
	}
	for _, list := range r.Header["Accept"] {
		if strings.HasPrefix(list, "text/css") || strings.HasPrefix(list, "image/") {
			return true
		}
	}
	if r.Header.Get("Referer") == "" || r.Header.Get("X-Requested-With") != "" {
		return false
	}
	for _, end := range []string{".js", ".mjs", ".css", ".wasm", ".woff2", ".woff", ".ttf"} {
		if strings.HasSuffix(r.URL.Path, end) {
			return true
		}
	}
	return false
}

// keepFresh has caches ask the server before they use an answer again. Without that header, browsers take a file for
// fresh for a tenth of its age, and a reload asks again for the document alone.
func (b *Browser) keepFresh(h http.Header) {
	_, said := h["Cache-Control"]
	_, expires := h["Expires"]
	switch {
	case b.Uncached:
		delete(h, "Expires")
		h.Set("Cache-Control", "no-cache")
	case b.Revalidate && !said && !expires:
		h.Set("Cache-Control", "no-cache")
	default:
		return
	}
	if modified, err := http.ParseTime(h.Get("Last-Modified")); err == nil && h.Get("Etag") == "" &&
		time.Since(modified) < justNow {
		delete(h, "Last-Modified")
	}
}

// justNow is the age up to which Last-Modified is not sent. The header has seconds: after a second save within the same
// second, the program would confirm the browser's old copy (304). RFC 9110, 8.8.2.2, asks for one second between
// Last-Modified and the answer; the other second is for the fraction that the header does not have.
const justNow = 2 * time.Second
