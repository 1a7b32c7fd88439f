package web

import (
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
)

// showPanic answers with a page that shows the reason of a handler's panic. It is called only if the handler has
// written nothing. The page is complete before net/http learns of the panic and ends the connection. HTTP/2 resets
// the stream instead, and browsers then would show nothing of the page.
func (p *page) showPanic(why interface{}) {
	if _, is := p.below.(http1); !is || why == http.ErrAbortHandler {
		return
	}
	stack := ""
	if host, _, err := net.SplitHostPort(p.request.RemoteAddr); err == nil && net.ParseIP(host).IsLoopback() {
		stack = stackOfPanic() // not for strangers, to whom a stack tells too much
	}
	h := p.below.Header()
	setAll(h, http.Header{
		"Content-Type": {"text/html; charset=utf-8"}, "Cache-Control": {"no-store"}, "Connection": {"close"},
	})
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace
	text := "<!doctype html><html><head>" + p.browser.tagFor(h) + panicHead +
		escape(p.request.Method+" "+p.request.URL.Path) + "</p><pre class=why>panic: " +
		escape(fmt.Sprint(why)) + "</pre><pre>" + escape(stack) + "</pre>"
	h.Set("Content-Length", strconv.Itoa(len(text)))
	p.below.WriteHeader(http.StatusInternalServerError)
	_, _ = p.below.Write([]byte(text))
	_ = p.below.FlushError()
}

const panicHead = `<meta charset=utf-8><meta name=viewport content="width=device-width"><title>panic</title>` +
	`<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:2em}` +
	`pre{overflow:auto;font:14px/1.5 ui-monospace,monospace}.why{font-size:18px;color:#c22}` +
	`@media(prefers-color-scheme:dark){.why{color:#f77}}</style></head><body><h1>The handler panicked</h1><p>`

// stackOfPanic is the stack of this goroutine from the panic on, up to serve.
func stackOfPanic() string {
	text := make([]byte, 1<<16)
	text = text[:runtime.Stack(text, false)]
	stack := string(text)
	if at := strings.LastIndex(stack, "\npanic("); at >= 0 {
		stack = stack[at+1:]
		for i := 0; i < 2; i++ { // the line with the call, and the line with its place
			if end := strings.IndexByte(stack, '\n'); end >= 0 {
				stack = stack[end+1:]
			}
		}
	}
	if end := strings.Index(stack, "/web.(*Browser).serve("); end >= 0 {
		if line := strings.LastIndexByte(stack[:end], '\n'); line >= 0 {
			stack = stack[:line+1]
		}
	}
	return stack
}
