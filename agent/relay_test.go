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
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotreload/agent/core"
	"hotreload/supervisor/host"
)

// TestRelayedRequestIsTheSame: a request reaches the old worker on a connection over TLS, and is relayed. The new
// worker's handler sees the same as of a request on a connection of its own.
func TestRelayedRequestIsTheSame(t *testing.T) {
	chunks := "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nSum: 11\r\nOther: b\r\n\r\n"
	for _, c := range []struct{ name, head, body string }{
		{"GET", "GET /a%2Fb?c=d&e=%20;f HTTP/1.1\r\nHost: Example.com:81\r\nX-Many: a\r\nx-many:  b\r\nx_odd: \tc\r\n" +
			"Accept:\r\nCookie: a=b; c=\"d\"\r\nConnection: x-hop\r\nX-Hop: \xe4\r\nPragma: no-cache\r\n\r\n", ""},
		{"absolute URL", "GET http://other.example/x HTTP/1.1\r\nHost: ignored\r\n\r\n", ""},
		{"HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", ""},
		{"another method", "BREW //pot HTTP/1.1\r\nHost:\r\n\r\n", ""},
		{"POST", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", "hello"},
		{"POST of nothing", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", ""},
		{"chunks and trailers",
			"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: Sum, Other\r\n\r\n", chunks},
		{"trailer without chunks", "POST / HTTP/1.1\r\nHost: x\r\nTrailer: Sum\r\nContent-Length: 5\r\n\r\n", "hello"},
		{"Expect", "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", "hello"},
		{"1 MiB", mebibyte[:len(mebibyte)-1<<20], mebibyte[len(mebibyte)-1<<20:]},
		{"Connection: close", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, client := describing(t)
			first := s.startReady()
			address := strings.TrimPrefix(s.args[0], "describe=")
			if c.name == "Connection: close" { // cannot be asked twice on one connection
				k := keepTLS(t, address, client)
				k.expectFirst(first)
				s.succeed()
				if _, last := k.describe(t, c.head, c.body, s.current); !last {
					t.Error("the connection does not end")
				}
				return
			}
			k := keepTLS(t, address, client)
			want, _ := k.describe(t, c.head, c.body, first)
			s.succeed()
			have, last := k.describe(t, c.head, c.body, s.current)
			if have != want || !last {
				t.Errorf("have %s\n(the last answer: %v)\nwant %s", have, last, want)
			}
			if _, err := k.in.ReadByte(); err != io.EOF {
				t.Errorf("have %v at the end, want EOF", err)
			}
		})
	}
}

// describing is a service that knows a client by the client's certificate.
func describing(t *testing.T) (*service, *tls.Config) {
	t.Helper()
	certificate, key := pemOf(t)
	own, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "clients.pem")
	if err := os.WriteFile(file, []byte(certificate), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CLIENTS", file)
	return newService(t, "describe="+freePort(t)), &tls.Config{InsecureSkipVerify: true, ServerName: "x.example",
		Certificates: []tls.Certificate{own}}
}

func keepTLS(t *testing.T, address string, config *tls.Config) *kept {
	t.Helper()
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(limit))
	return &kept{Conn: conn, t: t, in: bufio.NewReader(conn)}
}

// expectFirst asks something, and wants the answer to come from this worker.
func (k *kept) expectFirst(from *process_) {
	k.t.Helper()
	k.describe(k.t, get, "", from)
}

// describe asks, and returns the handler's view of the request. The answer has to come from this worker.
func (k *kept) describe(t *testing.T, head, body string, from *process_) (text string, last bool) {
	t.Helper()
	k.send(head)
	if strings.Contains(head, "Expect: ") {
		answer, err := http.ReadResponse(k.in, nil)
		if err != nil || answer.StatusCode != http.StatusContinue {
			t.Fatalf("have %v %v, want that the server asks for the body", answer, err)
		}
	}
	for half := len(body) / 2; body != ""; half = len(body) {
		k.send(body[:half])
		body = body[half:]
	}
	answer, err := http.ReadResponse(k.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %v %s", answer.Status, err, all)
	}
	pid, text, _ := strings.Cut(string(all), " ")
	if pid != fmt.Sprint(from.cmd.Process.Pid) {
		t.Errorf("have an answer of %s, want %d", pid, from.cmd.Process.Pid)
	}
	if !strings.Contains(text, "PeerCertificates") || !strings.Contains(text, "\n1 1\n1 true\n") {
		t.Errorf("the client is not known: %s", text)
	}
	return text, answer.Close
}

// TestRequestsOverTLSAreRelayed: after the line, all answers come from the new worker, on one connection, and with 64
// clients that never retry a request. In the control, without the relay, the old worker answers.
func TestRequestsOverTLSAreRelayed(t *testing.T) {
	const saves = 25
	for _, relayed := range []bool{true, false} {
		t.Run(fmt.Sprint("relayed: ", relayed), func(t *testing.T) {
			if !relayed {
				t.Setenv(core.MovingVariable, "unrelayed")
			}
			tcp := freePort(t)
			s := newService(t, "tls="+tcp)
			s.startReady()
			var generations lines
			generations.add(s.current, 1)
			var all []*load
			for i, request := range []string{get, post, mebibyte, slowly} {
				all = append(all, run([]int{28, 28, 4, 4}[i], generations.watch(keepAliveTLS(tcp, request, i))))
			}
			old := 0
			for n := 2; n <= saves+1; n++ {
				before := s.current
				k := keep(t, "tls", tcp)
				k.expect(before, false)
				young := s.start()
				t.Cleanup(func() { _ = young.cmd.Process.Kill() })
				generations.know(young, n)
				s.current = young
				s.await(host.Ready{Worker: young.worker})
				s.drainOf(before)
				generations.line(n)
				k.send([]string{get, post}[n%2])
				if text, _ := k.answer(); !strings.HasPrefix(text, fmt.Sprint(young.cmd.Process.Pid, " ")) {
					old++
				}
				s.awaitFor(host.Quiet{Worker: before.worker}, limit)
				s.end(before)
			}
			lost := 0
			for _, l := range all {
				lost += l.end(t)
			}
			many := int(generations.old.Load())
			t.Logf("old answers after the line: %d of %d on the kept connection, %d of the clients'; lost: %d",
				old, saves, many, lost)
			switch {
			case relayed && (old > 0 || many > 0):
				t.Error("want none")
			case !relayed && (old != saves || many == 0):
				t.Error("want old ones")
			}
			if lost > 0 {
				t.Errorf("%d requests are lost", lost)
			}
		})
	}
}

// slowly is the request with a body that keepAliveTLS sends in pieces.
const slowly = "POST /slowly HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

func keepAliveTLS(address, request string, i int) func() (func() (string, error), func()) {
	think := []time.Duration{0, 3, 100, 20}[i] * time.Millisecond
	if request == slowly {
		return keepAliveWriting("tls", address, request, think, writeSlowly)
	}
	return keepAlive("tls", address, request, think)
}

// lines knows each worker's generation, and the last line.
type lines struct {
	pids    [64]atomic.Int64 // by generation
	current atomic.Int64
	old     atomic.Int64 // answers to requests sent after the line of a later generation
}

func (l *lines) know(p *process_, n int) { l.pids[n].Store(int64(p.cmd.Process.Pid)) }
func (l *lines) line(n int)              { l.current.Store(int64(n)) }

func (l *lines) add(p *process_, n int) {
	l.know(p, n)
	l.line(n)
}

// watch counts old answers to a client.
func (l *lines) watch(client func() (func() (string, error), func())) func() (func() (string, error), func()) {
	return func() (func() (string, error), func()) {
		once, end := client()
		return func() (string, error) {
			line := l.current.Load()
			pid, err := once()
			for n := range line {
				if err == nil && pid == fmt.Sprint(l.pids[n].Load()) {
					l.old.Add(1)
				}
			}
			return pid, err
		}, end
	}
}

// TestUpgradeIsRelayed: a relayed request changes the protocol, and ends when streams do.
func TestUpgradeIsRelayed(t *testing.T) {
	s, client := describing(t)
	first := s.startReady()
	k := keepTLS(t, strings.TrimPrefix(s.args[0], "describe="), client)
	k.expectFirst(first)
	old, young := s.succeed()
	k.send("GET /upgrade HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nearly\n")
	answer, err := http.ReadResponse(k.in, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(answer, err)
	}
	for i, want := range []string{fmt.Sprint(young.cmd.Process.Pid), "early", "early", "late", "late"} {
		if have, err := k.in.ReadString('\n'); have != want+"\n" || err != nil {
			t.Fatalf("have %q, %v; want %q", have, err, want)
		}
		if i == 2 {
			k.send("late\n")
		}
	}
	s.EndStreams(old.worker)
	if _, err := k.in.ReadByte(); err == nil {
		t.Error("it goes on")
	}
	s.await(host.Quiet{Worker: old.worker})
}

// TestLimitsOfARelayedRequest: the limits are the new server's, and begin with the relay.
func TestLimitsOfARelayedRequest(t *testing.T) {
	tcp := freePort(t)
	s := newService(t, "tls="+tcp)
	first := s.startReady()
	one, two := keep(t, "tls", tcp), keep(t, "tls", tcp)
	one.expect(first, false)
	two.expect(first, false)
	s.args = []string{"tls-limits=" + tcp}
	_, young := s.succeed()
	one.send(post[:len(post)-1]) // the rest does not come
	if answer, err := http.ReadResponse(one.in, nil); err == nil {
		t.Errorf("have an answer: %s", answer.Status)
	}
	two.send(post)
	two.expectAnswer(young, true)
}

// TestRelayedStreams: streams end when streams are to end, and other answers go on, whatever the client has asked
// for.
func TestRelayedStreams(t *testing.T) {
	for _, c := range []struct {
		name, ask string
		lasts     bool
	}{
		{"asked for and got", "type=text/event-stream HTTP/1.1\r\nAccept: text/event-stream", true},
		{"got", "type=text/event-stream HTTP/1.1", true},
		{"asked for", "type=text/plain HTTP/1.1\r\nAccept: text/event-stream", false},
		{"no other protocol", "type=text/plain HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tcp := freePort(t)
			s := newService(t, "tls="+tcp)
			first := s.startReady()
			k := keep(t, "tls", tcp)
			k.expect(first, false)
			old, young := s.succeed()
			file := filepath.Join(t.TempDir(), "go")
			k.send("GET /?begin=1&until=" + file + "&" + c.ask + "\r\nHost: x\r\n\r\n")
			if _, err := k.in.Peek(1); err != nil {
				t.Fatal(err)
			}
			s.EndStreams(old.worker)
			if c.lasts {
				s.await(host.Quiet{Worker: old.worker})
				touch(t, file)
				if answer, err := http.ReadResponse(k.in, nil); err == nil {
					if text, err := io.ReadAll(answer.Body); err == nil {
						t.Errorf("have a whole answer: %s", text)
					}
				}
				return
			}
			another := keep(t, "tls", tcp) // the end of streams was handled before the answer to this request, or soon after
			another.expect(young, false)
			touch(t, file)
			k.expectAnswer(young, true)
		})
	}
}

// TestUnusedUnixConnection: the first request comes to the old worker, and is relayed.
func TestUnusedUnixConnection(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	s := newService(t, "unix-removed="+path)
	first := s.startReady()
	listening(t, "unix", path)
	k := keep(t, "unix", path)
	used := keep(t, "unix", path) // the worker that accepts this connection has accepted the other
	used.expect(first, false)
	_, young := s.succeed()
	k.send(post)
	k.expectAnswer(young, true)
	used.expect(young, false)
}

// TestRequestThatIsNotRelayed: the program or the new server might see a difference.
func TestRequestThatIsNotRelayed(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"the program looks at its connections", "tls-curious=", "tls-curious="},
		{"the new one looks at its connections", "tls=", "tls-curious="},
		{"the new one wants certificates", "tls=", "describe="},
		{"the new one does without TLS", "tls=", "http="},
	} {
		t.Run(c.name, func(t *testing.T) {
			describing(t) // for the certificates
			tcp := freePort(t)
			s := newService(t, c.before+tcp)
			first := s.startReady()
			k := keep(t, "tls", tcp)
			k.expect(first, false)
			s.args = []string{c.after + tcp}
			s.succeed()
			k.expect(first, true)
		})
	}
}

// TestCrashDuringRelay: the old or the new worker crashes. The client's connection ends before the whole answer, and
// the handler learns of the end.
func TestCrashDuringRelay(t *testing.T) {
	for _, name := range []string{"old", "new"} {
		t.Run(name, func(t *testing.T) {
			tcp := freePort(t)
			s := newService(t, "tls="+tcp)
			first := s.startReady()
			k := keep(t, "tls", tcp)
			k.expect(first, false)
			old, young := s.succeed()
			k.send("GET /?begin=1&until=" + filepath.Join(t.TempDir(), "never") + " HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, err := k.in.Peek(1); err != nil {
				t.Fatal(err)
			}
			victim := map[string]*process_{"old": old, "new": young}[name]
			_ = victim.cmd.Process.Kill()
			answer, err := http.ReadResponse(k.in, nil)
			if err != nil {
				return
			}
			if text, err := io.ReadAll(answer.Body); err == nil {
				t.Errorf("have a whole answer: %q", text)
			}
		})
	}
}

// asksFirst is a connection whose user must send before reading, by the second write.
type asksFirst struct {
	net.Conn
	connected atomic.Bool
	writes    atomic.Int32
	asked     chan struct{}
}

func (c *asksFirst) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.connected.Load() && c.writes.Add(1) == 2 {
		close(c.asked)
	}
	return n, err
}

func (c *asksFirst) Read(p []byte) (int, error) {
	if c.connected.Load() {
		<-c.asked
	}
	return c.Conn.Read(p)
}

// TestConnectionOpenedAhead: browsers connect ahead of need. A connection over TLS has chosen HTTP/2 and sent
// nothing, and is used for the first time when the client should leave the worker. Requests without a body are
// relayed; the old worker answers all others, and everything in the control. No request is lost.
func TestConnectionOpenedAhead(t *testing.T) {
	for _, c := range []struct {
		name, method, body, path string
		mode                     string
		relayed                  bool
	}{
		{"GET", "GET", "", "/?pid=1", "", true},
		{"a long answer", "GET", "", "/?pid=1&size=3000000", "", true},
		{"HEAD", "HEAD", "", "/?pid=1", "", true},
		{"POST", "POST", "hello", "/?pid=1", "", false},
		{"control", "GET", "", "/?pid=1", "unrelayed", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.mode != "" {
				t.Setenv(core.MovingVariable, c.mode)
			}
			tcp := freePort(t)
			s := newService(t, "tls="+tcp)
			first := s.startReady()
			dial, err := net.Dial("tcp", tcp)
			if err != nil {
				t.Fatal(err)
			}
			defer dial.Close()
			below := &asksFirst{Conn: dial, asked: make(chan struct{})}
			conn := tls.Client(below, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
			if err := conn.Handshake(); err != nil {
				t.Fatal(err)
			}
			below.connected.Store(true)
			if chosen := conn.ConnectionState().NegotiatedProtocol; chosen != "h2" {
				t.Fatalf("the server has chosen %q", chosen)
			}
			from, young := s.succeed()
			if from != first {
				t.Fatal("another worker drains")
			}
			if c.relayed {
				from = young
			}
			dialed := 0
			client := http.Client{Timeout: limit, Transport: &http.Transport{
				ForceAttemptHTTP2: true,
				DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
					dialed++
					return conn, nil
				},
			}}
			request, err := http.NewRequest(c.method, "https://"+tcp+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			if err != nil || answer.ProtoMajor != 2 || answer.StatusCode != 200 || dialed != 1 {
				t.Fatalf("have %s %s, %v, with %d connections", answer.Proto, answer.Status, err, dialed)
			}
			pid := fmt.Sprint(from.cmd.Process.Pid)
			if have := answer.Header.Get("Pid"); have != pid {
				t.Errorf("have an answer of %s, want %s", have, pid)
			}
			said := fmt.Sprintf("%s %d HTTP/2.0", pid, len(c.body))
			if whole := c.method == "HEAD" || strings.HasPrefix(string(text), said); !whole ||
				strings.Contains(c.path, "size") && len(text) < 3_000_000 {
				t.Errorf("have %d bytes, %.40q", len(text), text)
			}
		})
	}
}
