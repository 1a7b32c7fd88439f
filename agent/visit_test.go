//go:build linux

package agent_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hotreload/supervisor/host"
)

// visits is the supervisor's side for browsers: a listener of connections from workers.
type visits struct {
	came chan net.Conn
	over chan struct{}
	once sync.Once
}

func (v *visits) Accept() (net.Conn, error) {
	select {
	case conn := <-v.came:
		return conn, nil
	case <-v.over:
		return nil, net.ErrClosed
	}
}

func (v *visits) Close() error {
	v.once.Do(func() { close(v.over) })
	return nil
}

func (v *visits) Addr() net.Addr { return &net.UnixAddr{} }

// visited has a service answer browsers: /events is a stream of the texts given to say, all other paths return a
// description of the request.
func visited(s *service) (say func(string)) {
	v := &visits{came: make(chan net.Conn, 100), over: make(chan struct{})}
	var mu sync.Mutex // guards streams
	streams := map[chan string]bool{}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/events") {
			body, err := io.ReadAll(r.Body)
			delete(r.Header, "Connection")
			fmt.Fprintf(w, "%s %s %s %s %q %d %v", r.Method, r.RequestURI, r.Host, r.RemoteAddr, r.Header, len(body), err)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		events := make(chan string, 100)
		mu.Lock()
		streams[events] = true
		mu.Unlock()
		defer func() {
			mu.Lock()
			delete(streams, events)
			mu.Unlock()
		}()
		for text := "state"; ; {
			fmt.Fprintf(w, "data: %s\n\n", text)
			w.(http.Flusher).Flush()
			select {
			case text = <-events:
			case <-r.Context().Done():
				return
			}
		}
	})}
	s.Host.Browser(func(generation int) host.Browser {
		tag := fmt.Sprint("<script ", generation, "></script>")
		return host.Browser{Key: visitKey, Tag: tag, Hosts: []string{"x", ".dev"}}
	})
	s.visit = func(conn net.Conn) { v.came <- conn }
	go func() { _ = server.Serve(v) }() // ends with server.Close
	s.t.Cleanup(func() { server.Close() })
	return func(text string) {
		mu.Lock()
		defer mu.Unlock()
		for events := range streams {
			events <- text // has room for the texts of a test
		}
	}
}

const visitPath = "/.hotreload/" + visitKey

// browse opens the supervisor's event stream with a client of any kind, and waits for the first message.
func browse(t *testing.T, client *http.Client, base string) *bufio.Reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*limit)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", base+visitPath+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "x"
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	in := bufio.NewReader(answer.Body)
	if text := message(in); text != "state" {
		t.Fatalf("have %s %q", answer.Status, text)
	}
	return in
}

// message is the next message of a stream; "" at the end.
func message(in *bufio.Reader) string {
	line, err := in.ReadString('\n')
	if err != nil {
		return ""
	}
	_, _ = in.ReadString('\n')
	return strings.TrimSuffix(strings.TrimPrefix(line, "data: "), "\n")
}

func clientOf(network, address string, protocol string) *http.Client {
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: new(http.Protocols),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}
	switch protocol {
	case "h2c":
		transport.Protocols.SetUnencryptedHTTP2(true)
	case "h2":
		transport.Protocols.SetHTTP2(true)
	default:
		transport.Protocols.SetHTTP1(true)
	}
	return &http.Client{Transport: transport}
}

// TestStreamOutlivesWorkers: a browser's stream to the supervisor survives three replacements and a crash.
func TestStreamOutlivesWorkers(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	tcp := freePort(t)
	for _, c := range []struct{ network, address, arg string }{
		{"tcp", tcp, "http=" + tcp}, {"unix", path, "unix-removed=" + path},
	} {
		t.Run(c.network, func(t *testing.T) {
			s := newService(t, c.arg)
			say := visited(s)
			s.startReady()
			listening(t, c.network, c.address)
			in := browse(t, clientOf(c.network, c.address, ""), "http://x")
			expect := func(text string) {
				t.Helper()
				say(text)
				if have := message(in); have != text {
					t.Fatalf("have %q, want %q", have, text)
				}
			}
			for _, text := range []string{"second", "third", "fourth"} {
				before := s.current
				s.replace(true)
				if !s.awaitFor(host.Quiet{Worker: before.worker}, 0) {
					t.Error("the stream keeps the old worker")
				}
				expect(text)
			}
			_ = s.current.cmd.Process.Kill()
			<-s.current.done
			expect("and without one")
		})
	}
}

// TestPassedStreamEndsAtDrain: a stream that passes through a worker does not keep the worker running.
func TestPassedStreamEndsAtDrain(t *testing.T) {
	for _, c := range []struct{ name, arg, scheme, protocol string }{
		{"TLS", "tls", "https", ""}, {"HTTP/2", "tls", "https", "h2"}, {"HTTP/2 in clear", "h2c", "http", "h2c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tcp := freePort(t)
			s := newService(t, c.arg+"="+tcp)
			say := visited(s)
			s.startReady()
			client := clientOf("tcp", tcp, c.protocol)
			in := browse(t, client, c.scheme+"://x")
			say("one more")
			if have := message(in); have != "one more" {
				t.Fatalf("have %q", have)
			}
			old, _ := s.succeed()
			if have := message(in); have != "" {
				t.Errorf("have %q after the worker drains", have)
			}
			client.CloseIdleConnections()
			s.await(host.Quiet{Worker: old.worker})
			in = browse(t, client, c.scheme+"://x")
			say("again")
			if have := message(in); have != "again" {
				t.Errorf("have %q from the next worker", have)
			}
		})
	}
}

// TestVisits: which requests reach the supervisor, and in what form.
func TestVisits(t *testing.T) {
	tcp, secure, clear2 := freePort(t), freePort(t), freePort(t)
	s := newService(t, "http="+tcp, "tls="+secure, "h2c="+clear2)
	visited(s)
	s.startReady()
	clients := map[string]*http.Client{
		"http://" + tcp: clientOf("tcp", tcp, ""), "https://" + secure: clientOf("tcp", secure, "h2"),
		"https://" + secure + "/": clientOf("tcp", secure, ""), "http://" + clear2: clientOf("tcp", clear2, "h2c"),
	}
	for base, client := range clients {
		listening(t, "tcp", strings.Trim(base, "htps:/"))
		base = strings.TrimSuffix(base, "/")
		scheme := ""
		if strings.HasPrefix(base, "https") {
			scheme = `"X-Forwarded-Proto":["https"]`
		}
		for _, c := range []struct {
			name, method, path, host, body string
			header                         http.Header
			status                         int
			want                           []string
		}{
			{
				"a script", "GET", visitPath + "/client.js?x=1", "x", "",
				http.Header{"Cookie": {"secret"}, "Accept": {"*/*"}, "Sec-Fetch-Dest": {"script"}}, 200,
				[]string{
					"GET " + visitPath + "/client.js?x=1 x 127.0.0.1:",
					`"Accept":["*/*"]`, `"Sec-Fetch-Dest":["script"]`, " 0 <nil>", scheme,
				},
			},
			{
				"words of the page", "POST", visitPath + "/console", "localhost:80", strings.Repeat("x", 40_000),
				http.Header{"Origin": {"http://x"}}, 200,
				[]string{"POST " + visitPath + "/console localhost:80 ", `"Origin":["http://x"]`, " 40000 <nil>", scheme},
			},
			{
				"and they wait to be asked", "POST", visitPath + "/console", "sub.dev", "hello",
				http.Header{"Expect": {"100-continue"}}, 200,
				[]string{"POST " + visitPath + "/console sub.dev ", " 5 <nil>"},
			},
			{"the root", "GET", visitPath, "[::1]:80", "", nil, 200, []string{"GET " + visitPath + " "}},
			{"another key", "GET", "/.hotreload/0123456789abcdee/client.js", "x", "", nil, 200, []string{"HTTP/"}},
			{"no key", "GET", "/.hotreload/", "x", "", nil, 200, []string{"HTTP/"}},
			{"more than the key", "GET", visitPath + "0/client.js", "x", "", nil, 200, []string{"HTTP/"}},
			{"a stranger's name", "GET", visitPath + "/client.js", "evil.example", "", nil, 403, []string{"not allowed"}},
			{"one that looks like ours", "GET", visitPath + "/c.js", "notlocalhost", "", nil, 403, []string{"not allowed"}},
		} {
			t.Run(fmt.Sprint(base, " ", c.name), func(t *testing.T) {
				r, err := http.NewRequest(c.method, base+c.path, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				r.Host = c.host
				for key, values := range c.header {
					r.Header[key] = values
				}
				answer, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer answer.Body.Close()
				body, err := io.ReadAll(answer.Body)
				if err != nil || answer.StatusCode != c.status || strings.Contains(string(body), "secret") {
					t.Fatalf("have %s, %v, %s", answer.Status, err, body)
				}
				for _, want := range c.want {
					if !strings.Contains(string(body), want) {
						t.Errorf("have %s\nwant %s", body, want)
					}
				}
				ours := len(c.want) > 0 && c.want[0] != "HTTP/"
				if r.ProtoMajor == 1 && ours && answer.ProtoMajor == 1 && !answer.Close {
					t.Error("the next request on this connection would be answered by the supervisor")
				}
			})
		}
	}
	if !s.Host.Count(s.current.worker, 1) {
		t.Fatal("there is no agent")
	}
	s.awaitThat(func(events []host.Event) bool {
		for _, e := range events {
			if counts, is := e.(host.Counts); is {
				if want := uint64(3 * len(clients)); counts.Served != want {
					t.Errorf("%d requests are counted as the program's, want %d", counts.Served, want)
				}
				return true
			}
		}
		return false
	})
}
