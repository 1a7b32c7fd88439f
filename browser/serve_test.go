package browser

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hotreload/gobuild"
	"hotreload/problems"
	"hotreload/runner"
)

const testKey = "0123456789abcdef0123456789abcdef"

// patience is the limit of every wait for a fact.
const patience = 20 * time.Second

// site has pages and a listener for connections from agents.
type site struct {
	*Pages
	t    *testing.T
	addr string // of the program

	mu    sync.Mutex // guards all below
	said  []Said
	did   []string
	asked []string
}

func newSite(t *testing.T, settings Settings) *site {
	s := &site{t: t}
	note := func(what string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.did = append(s.did, what)
	}
	dir := t.TempDir()
	s.Pages = New(Config{
		Key: testKey, Dir: dir, Services: []string{"web", "api"},
		InBuild: func(_ context.Context, path string) bool { return path == filepath.Join(dir, "main.go") },
		Said: func(said Said) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.said = append(s.said, said)
		},
		Asked: func(_ context.Context, service, path string, began time.Time) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.asked = append(s.asked, fmt.Sprint(service, " ", path, " ", time.Since(began) > time.Minute))
		},
		Reload: func() { note("reload") }, Rebuild: func() { note("rebuild") },
		Pause: func() error { note("pause"); return nil },
	}, settings)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	go func() { // ends with the listener
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.Take("web", conn)
		}
	}()
	t.Cleanup(func() { listener.Close(); s.Close() })
	return s
}

// ask sends a request with these headers, "Name: value" each; Host is the address's if none is given.
func (s *site) ask(method, path, body string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		} else {
			r.Header[http.CanonicalHeaderKey(name)] = []string{value}
		}
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		return answer, ""
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer, string(text)
}

func below(path string) string { return Prefix + testKey + "/" + path }

// stream is an open stream of events.
type stream struct {
	t      *testing.T
	body   io.Closer
	events chan Message
}

func (s *site) listen(query string) *stream {
	s.t.Helper()
	answer, err := http.Get("http://" + s.addr + below("events") + query)
	if err != nil || answer.StatusCode != http.StatusOK {
		s.t.Fatalf("have %v, %v", answer, err)
	}
	st := &stream{s.t, answer.Body, make(chan Message, 1000)}
	s.t.Cleanup(func() { st.body.Close() })
	go func() { // ends with the stream
		defer close(st.events)
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if text, is := bytes.CutPrefix(lines.Bytes(), []byte("data: ")); is {
				var m Message
				if json.Unmarshal(text, &m) == nil {
					st.events <- m
				}
			}
		}
	}()
	return st
}

func (st *stream) next() Message {
	st.t.Helper()
	select {
	case m, open := <-st.events:
		if !open {
			st.t.Fatal("the stream has ended")
		}
		return m
	case <-time.After(patience):
		st.t.Fatal("nothing comes")
	}
	return Message{}
}

func TestStream(t *testing.T) {
	s := newSite(t, Settings{Options: Options{Reload: "page", CSS: true, Overlay: true}})
	s.Tell("web", reloaded(3))
	s.Tell("api", reloaded(7))
	st := s.listen("")
	first := st.next()
	if first.State == nil || first.State.Generation != 3 || first.State.Service != "web" || !first.State.Options.CSS {
		t.Fatalf("the first message is %+v", first)
	}
	s.Tell("api", changed(file("/x.css", runner.Live))) // of no concern
	s.Tell("web", changed(file("/y.css", runner.Live)))
	if m := st.next(); m.Kind != kindCSS || m.Paths[0] != "/y.css" {
		t.Errorf("have %+v", m)
	}
	late := s.listen(fmt.Sprintf("?elapsed=60000&began=%d", time.Now().Add(-time.Minute).UnixMilli()))
	if m := late.next(); len(m.State.Recent) != 1 || !m.State.Recent[0].Late {
		t.Errorf("a page that was asked for before the change: %+v", m.State)
	}
	if m := s.listen("?elapsed=0").next(); m.State.Recent[0].Late {
		t.Errorf("a page that was asked for after the change: %+v", m.State)
	}
	all := s.listen("?all=1")
	if a, b := all.next(), all.next(); a.State.Service != "web" || b.State.Service != "api" {
		t.Errorf("all services: %+v, %+v", a, b)
	}
	s.Set(Settings{Options: Options{Reload: "off"}})
	if m := st.next(); m.Kind != kindState || m.State.Options.Reload != "off" {
		t.Errorf("after another setting: %+v", m)
	}
	if m := all.next(); m.Kind != kindCSS && m.Kind != kindState {
		t.Errorf("have %+v", m)
	}
	st.body.Close()
	for have := -1; have != 3; { // late, ?elapsed=0, and all
		o, _ := s.look(t.Context())
		have = o.Clients
	}
	s.Close()
	for range all.events {
	}
}

// A client that does not read is disconnected, and delays no other client.
func TestSlowClient(t *testing.T) {
	s := newSite(t, Settings{})
	answer := make(chan *client, 1)
	s.send(joinInput{service: "web", joined: answer})
	slow := <-answer
	for range 2 * mostBehind {
		s.Tell("web", changed(file("/a.css", runner.Live)))
	}
	n := 0
	for range slow.messages {
		n++
	}
	if n != mostBehind {
		t.Errorf("it got %d messages, want %d and an end", n, mostBehind)
	}
}

// Every answer closes the connection, on which the browser's next request could be the program's.
func TestOneRequestForEachConnection(t *testing.T) {
	s := newSite(t, Settings{})
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	one := "GET " + below("client.js") + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
	if _, err := io.WriteString(conn, one+one); err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(conn)
	n := strings.Count(string(text), "HTTP/1.1 200 OK")
	if n != 1 || !strings.Contains(string(text), "Connection: close") {
		t.Errorf("%d answers:\n%.300s", n, text)
	}
}

// TestForeignClients has a client try each fault that other tools had: section 1.6 of the study of the field.
func TestForeignClients(t *testing.T) {
	s := newSite(t, Settings{Options: Options{Console: "all"}, Hosts: []string{"My.Tunnel.dev", "*.team.dev"},
		EditorCommand: []string{"false"}})
	const open = `{"file": "/etc/passwd"}`
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
	}{
		{"the user's page", "GET", below("state"), "", nil, 200},
		{"localhost", "GET", below("state"), "", []string{"Host: localhost:8080"}, 200},
		{"a name below localhost", "GET", below("state"), "", []string{"Host: app.localhost:8080"}, 200},
		{"an IPv6 address", "GET", below("state"), "", []string{"Host: [::1]:8080"}, 200},
		{"a name of the settings", "GET", below("state"), "", []string{"Host: my.tunnel.dev"}, 200},
		{"a name below one of the settings", "GET", below("state"), "", []string{"Host: a.team.dev:443"}, 200},

		{"DNS rebinding: a foreign name leads here", "GET", below("state"), "", []string{"Host: evil.example"}, 403},
		{"DNS rebinding: a name that ends like ours", "GET", below("state"), "", []string{"Host: evillocalhost"}, 403},
		{"DNS rebinding: a name that begins like ours", "GET", below("state"), "",
			[]string{"Host: localhost.evil.example"}, 403},
		{"DNS rebinding: an address in a name", "GET", below("state"), "", []string{"Host: 127.0.0.1.evil.example"}, 403},
		{"DNS rebinding: a name with a user", "GET", below("state"), "", []string{"Host: localhost@evil.example"}, 403},
		{"DNS rebinding: the name above one of the settings", "GET", below("state"), "", []string{"Host: team.dev"}, 403},
		{"DNS rebinding: the script too", "GET", below("client.js"), "", []string{"Host: evil.example"}, 403},

		{"the page's own origin", "GET", below("events"), "",
			[]string{"Host: localhost:80", "Origin: http://localhost"}, 200},
		{"the origin of a proxy with TLS", "GET", below("events"), "",
			[]string{"Host: my.tunnel.dev", "Origin: https://my.tunnel.dev"}, 200},
		{"a foreign origin's stream", "GET", below("events"), "", []string{"Origin: http://evil.example"}, 403},
		{"an origin at another port", "GET", below("events"), "",
			[]string{"Host: localhost:80", "Origin: http://localhost:81"}, 403},
		{"an origin that is an address", "GET", below("events"), "",
			[]string{"Host: localhost", "Origin: http://127.0.0.1"}, 403},
		{"an origin null", "GET", below("events"), "", []string{"Origin: null"}, 403},
		{"an empty origin", "GET", below("events"), "", []string{"Origin: "}, 403},
		{"an origin of a file", "GET", below("events"), "", []string{"Host: localhost", "Origin: file://localhost"}, 403},
		{"another site, without Origin", "GET", below("events"), "", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"another port, without Origin", "GET", below("client.js"), "", []string{"Sec-Fetch-Site: same-site"}, 403},
		{"a link from another site to the page about hotreload", "GET", below(""), "",
			[]string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, 403},

		{"a guessed key", "GET", Prefix + strings.Repeat("0", 32) + "/state", "", nil, 404},
		{"the beginning of a key", "GET", Prefix + testKey[:31] + "/state", "", nil, 404},
		{"no key", "GET", Prefix + "state", "", nil, 404},
		{"an empty key", "GET", Prefix + "/state", "", nil, 404},
		{"a path beside", "GET", below("../../state"), "", nil, 404},

		{"open by a link", "GET", below("open?file=/etc/passwd"), "", nil, 405},
		{"open by a form", "POST", below("open"), open, []string{"Content-Type: text/plain"}, 415},
		{"open from a foreign page", "POST", below("open"), open, []string{"Origin: http://evil.example"}, 403},
		{"open what is not in the build", "POST", below("open"), open, nil, 403},
		{"open what is relative", "POST", below("open"), `{"file": "main.go"}`, nil, 403},
		{"open at a line that is none", "POST", below("open"), `{"file": "/etc/passwd", "line": "1; rm"}`, nil, 400},
		{"open with a huge body", "POST", below("open"), `{"file": "` + strings.Repeat("x", maxBody) + `"}`, nil, 413},
		{"buttons from a foreign page", "POST", below("do"), `{"command":"reload"}`,
			[]string{"Origin: http://localhost:1"}, 403},
		{"a button that is none", "POST", below("do"), `{"command":"stop"}`, nil, 400},
		{"buttons by a link", "GET", below("do"), "", nil, 405},
		{"what is not among the control server's requests", "GET", below("api/v1/stop"), "", nil, 404},
		{"a request of it that changes something", "POST", below("api/v1/status"), `{}`, nil, 405},
		{"a page that wants to read across origins", "OPTIONS", below("state"), "",
			[]string{"Origin: http://evil.example", "Access-Control-Request-Method: GET"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer, text := s.ask(c.method, c.path, c.body, c.headers...)
			if answer.StatusCode != c.status {
				t.Errorf("have %s, want %d: %s", answer.Status, c.status, text)
			}
			for name := range answer.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("a CORS header: %s", name)
				}
			}
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
			} {
				if have := answer.Header.Get(name); have != want {
					t.Errorf("%s is %q, want %q", name, have, want)
				}
			}
			if strings.Contains(text, testKey) {
				t.Errorf("the key is in the answer")
			}
		})
	}
	if len(s.did) > 0 {
		t.Errorf("foreign clients did %q", s.did)
	}
}

// A script that a foreign page includes holds no state, and no key.
func TestScriptHoldsNothing(t *testing.T) {
	s := newSite(t, Settings{})
	before, _ := s.ask("GET", below("client.js"), "")
	_, one := s.ask("GET", below("client.js"), "")
	s.Tell("web", buildFailed(3))
	_, two := s.ask("GET", below("client.js"), "")
	if one != two || strings.Contains(one, testKey) ||
		!strings.HasPrefix(before.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("the script is another after a problem, or holds the key")
	}
}

// elsewhere is a connection from another machine.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711} }

// Source lines, absolute paths, logs, the editor and the buttons are for this machine, and for hosts in the settings.
func TestNetworkSeesNoSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.go")
	if err := os.WriteFile(path, []byte("package x\n\nvar password = 1 +\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, Settings{EditorCommand: []string{"true"}, Hosts: []string{"tunnel.dev"},
		Options: Options{Console: "all"}})
	s.Tell("web", runner.BuildFailed{Err: &gobuild.BuildError{}, Problems: []problems.Problem{
		{File: path, Line: 3, Message: "expected operand"},
	}})
	request := func(conn net.Conn, method, path, host, body string) (status int, text string) {
		t.Helper()
		here, there := net.Pipe()
		s.Take("web", &piped{there, conn})
		defer here.Close()
		_ = here.SetDeadline(time.Now().Add(patience))
		r, _ := http.NewRequest(method, "http://"+host+below(path), strings.NewReader(body))
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		go func() { _ = r.Write(here) }()
		answer, err := http.ReadResponse(bufio.NewReader(here), r)
		if err != nil {
			t.Fatal(err)
		}
		all, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(all)
	}
	local, remote := net.Conn(nearby{}), net.Conn(elsewhere{})
	for _, c := range []struct {
		name, host string
		conn       net.Conn
		near       bool
	}{
		{"this machine", "localhost:8080", local, true},
		{"the network", "192.0.2.1:8080", remote, false},
		{"the network, which says localhost", "localhost:8080", remote, false},
		{"the network, by a name of the settings", "tunnel.dev", remote, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, text := request(c.conn, "GET", "state", c.host, "")
			if status != 200 || !strings.Contains(text, "expected operand") {
				t.Fatalf("have %d %s", status, text)
			}
			if have := strings.Contains(text, "password"); have != c.near {
				t.Errorf("it sees source lines: %v, want %v", have, c.near)
			}
			if have := strings.Contains(text, path); have != c.near {
				t.Errorf("it sees where the user's files are: %v, want %v", have, c.near)
			}
			for _, r := range []struct{ method, path, body string }{
				{"GET", "overview", ""}, {"GET", "", ""}, {"GET", "api/v1/logs", ""}, {"POST", "do", `{"command":"reload"}`},
				{"POST", "open", `{"file":"` + path + `"}`}, {"POST", "console", `{"level":"log","text":"x"}`},
			} {
				status, text := request(c.conn, r.method, r.path, c.host, r.body)
				if have := status != http.StatusForbidden; have != c.near {
					t.Errorf("%s: have %d %s", r.path, status, text)
				}
			}
		})
	}
}

// piped is a connection with the addresses of another.
type piped struct {
	net.Conn
	as net.Conn
}

func (p *piped) RemoteAddr() net.Addr { return p.as.RemoteAddr() }

type nearby struct{ net.Conn }

func (nearby) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv6loopback, Port: 4711} }

// The editor gets the file name as one word, whatever the name contains, and without a shell.
func TestOpen(t *testing.T) {
	if os.PathSeparator != '/' {
		t.Skip("the editor in this test is a shell script, which Windows does not run")
	}
	out := filepath.Join(t.TempDir(), "out")
	script := filepath.Join(t.TempDir(), "editor")
	text := "#!/bin/sh\nprintf '%s|' \"$@\" >" + out + ".new; mv " + out + ".new " + out + "\n"
	if err := os.WriteFile(script, []byte(text), 0o777); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, Settings{EditorCommand: []string{script, "-g", "{file}:{line}:{col}"}})
	dir := t.TempDir()
	odd := filepath.Join(dir, "a b; touch $(x) '\".go")
	if err := os.WriteFile(odd, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	s.config.InBuild = func(_ context.Context, path string) bool { return path == odd }
	body, _ := json.Marshal(map[string]any{"file": odd, "line": 3, "col": 0})
	if answer, text := s.ask("POST", below("open"), string(body)); answer.StatusCode != http.StatusNoContent {
		t.Fatalf("have %s: %s", answer.Status, text)
	}
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if text, err := os.ReadFile(out); err == nil {
			if want := "-g|" + odd + ":3:1|"; string(text) != want {
				t.Errorf("have %q, want %q", text, want)
			}
			return
		}
		if time.Since(began) > patience {
			t.Fatal("the editor was not started")
		}
	}
}

func TestConsole(t *testing.T) {
	s := newSite(t, Settings{Options: Options{Console: "errors"}})
	now := time.Unix(1000, 0)
	s.Pages.console.now = func() time.Time { return now }
	body := `{"level":"error","uncaught":true,"generation":3,"path":"/a\u001b","page":"http://localhost/",` +
		`"text":"x is\u001b[31m not\ndefined",` +
		`"file":"a.js","line":3,"stack":"at f\nat g\u0007"}`
	send := func(body string) int {
		answer, _ := s.ask("POST", below("console"), body)
		return answer.StatusCode
	}
	if status := send(body); status != http.StatusNoContent {
		t.Fatalf("have %d", status)
	}
	if have := s.said[0]; have.Text != "x is\uFFFD[31m not defined" || have.Service != "web" || have.Line != 3 ||
		have.Stack != "at f\nat g\uFFFD" || !have.Uncaught || have.Generation != 3 || have.Path != "/a\uFFFD" {
		t.Errorf("have %+v", have)
	}
	if status := send(`{"level":"log","text":"x"}`); status != http.StatusForbidden {
		t.Errorf("what is not wanted: %d", status)
	}
	if status := send(`{"level":"fatal","text":"x"}`); status != http.StatusForbidden {
		t.Errorf("a level that is none: %d", status)
	}
	limited := 0
	for range 2 * sayBurst {
		if send(body) == http.StatusTooManyRequests {
			limited++
		}
	}
	if len(s.said) != sayBurst || limited != sayBurst+1 {
		t.Errorf("%d got through and %d did not", len(s.said), limited)
	}
	now = now.Add(sayEvery)
	if status := send(body); status != http.StatusNoContent || s.said[sayBurst].Dropped != limited {
		t.Errorf("later: %d, %+v", status, s.said[len(s.said)-1])
	}
	if status := send(body); status != http.StatusTooManyRequests {
		t.Errorf("and at once again: %d", status)
	}
}

// Pages reload for another service if the user wants that, and a late page finds out, too.
func TestReloadOn(t *testing.T) {
	s := newSite(t, Settings{})
	s.Tell("web", reloaded(3))
	asked := time.Now()
	st := s.listen("")
	st.next()
	s.Tell("api", reloaded(7)) // of no concern
	s.look(t.Context())        // the reload is over
	s.Set(Settings{ReloadOn: []string{"api"}})
	if m := st.next(); m.Kind != kindState || m.State.Number != 0 {
		t.Fatalf("have %+v", m)
	}
	s.Tell("api", changed(file("/x.css", runner.Live))) // the service's own pages do not reload
	s.Tell("api", changed(file("/x.html", runner.Live)))
	if m := st.next(); m.Kind != kindReload || m.Service != "web" || m.Number != 1 || m.Paths[0] != "/x.html" {
		t.Errorf("a live file: have %+v", m)
	}
	s.Tell("api", reloaded(8))
	if m := st.next(); m.Kind != kindReload || m.Service != "web" || m.Number != 2 || m.Generation != 0 {
		t.Errorf("new code: have %+v", m)
	}
	s.Tell("web", reloaded(4))
	if m := st.next(); m.Kind != kindReload || m.Generation != 4 {
		t.Errorf("its own code: have %+v", m)
	}
	elapsed := time.Since(asked).Milliseconds() + 1
	late := s.listen(fmt.Sprintf("?elapsed=%d&began=%d", elapsed, asked.UnixMilli()-1)).next()
	if n := len(late.State.Recent); n != 2 || !late.State.Recent[0].Late || late.State.Generation != 4 {
		t.Errorf("a late page: have %+v", late.State)
	}
}

// A connecting page tells when its document was requested. For a page on another machine, this time is not exact
// enough.
func TestPageAskedFor(t *testing.T) {
	s := newSite(t, Settings{})
	earliest := time.Now().Add(-time.Hour)
	for _, query := range []string{
		"elapsed=1000&began=" + fmt.Sprint(earliest.UnixMilli()) + "&path=/a%1bb", // a renewed connection
		"elapsed=1000",         // hotreload's own page
		"path=/b",              // nothing is known
		"elapsed=1000&path=/c", // without a clock
	} {
		s.listen("?" + query).next()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, want := strings.Join(s.asked, " "), "web /a\uFFFDb true web /c false"; have != want {
		t.Errorf("have %q, want %q", have, want)
	}
}

func TestButtons(t *testing.T) {
	s := newSite(t, Settings{})
	s.SetAPI(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.String()) }))
	for _, command := range []string{"reload", "rebuild", "pause"} {
		answer, text := s.ask("POST", below("do"), `{"command":"`+command+`"}`)
		if answer.StatusCode != http.StatusNoContent {
			t.Errorf("%s: %s %s", command, answer.Status, text)
		}
	}
	if have := strings.Join(s.did, " "); have != "reload rebuild pause" {
		t.Errorf("have %s", have)
	}
	if _, text := s.ask("GET", below("api/v1/explain?path=/a"), ""); text != "/v1/explain?path=/a" {
		t.Errorf("the control server was asked %q", text)
	}
}

// A key stays the same, only its user can read the file, and an invalid key is replaced.
func TestKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "a.key")
	one, err := Key(path)
	if err != nil || !isKey(one) {
		t.Fatalf("have %q, %v", one, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Fatalf("have %v, %v", info.Mode(), err)
	}
	if two, err := Key(path); err != nil || two != one {
		t.Errorf("have %q, %v, want %q", two, err, one)
	}
	if os.PathSeparator == '/' {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		three, err := Key(path)
		info, _ := os.Stat(path)
		if err != nil || three == one || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others could read it: have %q (it was %q), %v, %v", three, one, info.Mode(), err)
		}
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if four, err := Key(path); err != nil || !isKey(four) {
		t.Errorf("what is none: have %q, %v", four, err)
	}
	if five, err := Key(filepath.Join(path, "x")); err == nil || !isKey(five) {
		t.Errorf("where it cannot be kept: have %q, %v", five, err)
	}
	if a, _ := Key(""); !isKey(a) {
		t.Errorf("without a place: have %q", a)
	}
}

func TestEditor(t *testing.T) {
	for _, c := range []struct {
		env       map[string]string
		installed string
		want      string
	}{
		{nil, "", ""},
		{nil, "zed subl", "zed"},
		{map[string]string{"TERM_PROGRAM": "vscode"}, "code zed", "code"},
		{map[string]string{"ZED_TERM": "true"}, "code zed", "zed"},
		{map[string]string{"TERM_PROGRAM": "vscode"}, "zed", "zed"},
		{map[string]string{"TERMINAL_EMULATOR": "JetBrains-JediTerm"}, "code goland", "goland"},
	} {
		command := Editor(func(name string) string { return c.env[name] },
			func(name string) bool { return strings.Contains(" "+c.installed+" ", " "+name+" ") })
		have, _, _ := strings.Cut(strings.Join(command, " "), " ")
		if have != c.want {
			t.Errorf("%v, %s: have %q, want %s", c.env, c.installed, have, c.want)
		}
	}
}

func TestLinesOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.go")
	if err := os.WriteFile(path, []byte("1\n2\n3\n4\xff\n5\n6\n7"), 0o666); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[int]string{1: "1 2 3", 4: "2 3 4\uFFFD 5 6", 7: "5 6 7", 9: "7", 0: "", 99: ""} {
		var have []string
		for _, l := range linesOf(path, line) {
			have = append(have, l.Text)
		}
		if strings.Join(have, " ") != want {
			t.Errorf("line %d: have %q, want %q", line, have, want)
		}
	}
	if linesOf(filepath.Dir(path), 1) != nil || linesOf(path+"x", 1) != nil {
		t.Error("there are lines of what is no file")
	}
}
