package web

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// limit is for steps of milliseconds, on a busy machine.
const limit = 20 * time.Second

func TestGateAsksToClose(t *testing.T) {
	var draining atomic.Bool
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/own" {
			w.Header().Set("Connection", "keep-alive")
		}
		w.WriteHeader(http.StatusTeapot)
	})}
	Install(server, draining.Load)
	for _, c := range []struct {
		name, path, upgrade string
		draining            bool
		want                string
	}{
		{"serving", "/", "", false, ""},
		{"draining", "/", "", true, "close"},
		{"draining, but it becomes another protocol", "/", "websocket", true, ""},
		{"draining, but the handler has its own opinion", "/own", "", true, "keep-alive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			draining.Store(c.draining)
			r := httptest.NewRequest("GET", c.path, nil)
			if c.upgrade != "" {
				r.Header.Set("Upgrade", c.upgrade)
			}
			w := httptest.NewRecorder()
			server.Handler.ServeHTTP(w, r)
			if have := w.Header().Get("Connection"); have != c.want || w.Code != http.StatusTeapot {
				t.Errorf("have Connection %q, code %d; want %q, %d", have, w.Code, c.want, http.StatusTeapot)
			}
		})
	}
}

func TestGateIsInstalledOnce(t *testing.T) {
	server := &http.Server{}
	no := func() bool { return false }
	Install(server, no)
	first := server.Handler
	Install(server, no)
	if server.Handler != first {
		t.Error("a server that serves two listeners has two gates")
	}
	w := httptest.NewRecorder()
	server.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/nowhere", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("without a handler: have code %d, want that of http.DefaultServeMux, %d", w.Code, http.StatusNotFound)
	}
}
