// Server is an unchanged program: it knows nothing of hotreload. Its arguments say what it serves, each as
// KIND=ADDRESS.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"reflect"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"text/template"
	"time"
)

func main() {
	for _, entry := range os.Environ() {
		if strings.HasPrefix(entry, "HOTRELOAD_AGENT") {
			fmt.Println("environment", entry)
		}
	}
	if dir := os.Getenv("FILES"); dir != "" {
		openAll(dir)
		http.HandleFunc("/files", func(http.ResponseWriter, *http.Request) { openAll(dir) })
		http.HandleFunc("/open", func(_ http.ResponseWriter, r *http.Request) {
			for _, name := range r.URL.Query()["name"] {
				_, _ = os.ReadFile(name)
			}
		})
		http.HandleFunc("/cost", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, cost(r.URL.Query().Get("name")))
		})
	}
	failed := make(chan error)
	for _, arg := range os.Args[1:] {
		kind, address, _ := strings.Cut(arg, "=")
		go func() { failed <- serve(kind, address) }()
	}
	fmt.Fprintln(os.Stderr, <-failed)
	os.Exit(1)
}

func serve(kind, address string) error {
	server := &http.Server{Handler: http.HandlerFunc(answer)}
	switch kind {
	case "http":
		return http.ListenAndServe(address, http.HandlerFunc(answer))
	case "pages": // JSON on /json, and a page of 4 KB elsewhere
		return http.ListenAndServe(address, http.HandlerFunc(page))
	case "default":
		return http.ListenAndServe(address, nil)
	case "tls":
		server.Addr, server.TLSConfig = address, &tls.Config{Certificates: []tls.Certificate{certificate()}}
		return server.ListenAndServeTLS("", "")
	case "describe": // knows its clients' certificates
		server.Addr, server.Handler = address, http.HandlerFunc(describe)
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate()}, NextProtos: []string{"http/1.1"}}
		if file := os.Getenv("CLIENTS"); file != "" {
			server.TLSConfig.ClientAuth, server.TLSConfig.ClientCAs = tls.VerifyClientCertIfGiven, authorities(file)
		}
		server.BaseContext = func(l net.Listener) context.Context {
			return context.WithValue(context.Background(), baseKey, fmt.Sprintf("%T %v", l, l.Addr()))
		}
		return server.ListenAndServeTLS("", "")
	case "tls-limits": // gives clients little time for a request
		server.Addr, server.TLSConfig = address, &tls.Config{Certificates: []tls.Certificate{certificate()}}
		server.ReadTimeout, server.IdleTimeout = 200*time.Millisecond, time.Minute
		return server.ListenAndServeTLS("", "")
	case "tls-curious": // takes its connections for what they are
		server.Addr, server.TLSConfig = address, &tls.Config{Certificates: []tls.Certificate{certificate()}}
		server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
			_ = conn.(*tls.Conn).NetConn()
			return ctx
		}
		return server.ListenAndServeTLS("", "")
	case "h2c":
		server.Addr, server.Protocols = address, new(http.Protocols)
		server.Protocols.SetUnencryptedHTTP2(true)
		return server.ListenAndServe()
	case "head": // gives clients little time for the head of a request
		server.Addr, server.ReadHeaderTimeout, server.IdleTimeout = address, 200*time.Millisecond, time.Minute
		return server.ListenAndServe()
	case "idle": // does not keep connections for long
		server.Addr, server.IdleTimeout = address, 500*time.Millisecond
		return server.ListenAndServe()
	case "own": // has all the functions that a server can have
		if err := ownServer(address).ListenAndServe(); err != http.ErrServerClosed {
			return err
		}
		select {} // stays, and serves nothing
	case "unix": // leaves it to package net to remove the path
		l, err := net.Listen("unix", address)
		if err != nil {
			return err
		}
		go shutdownAtTerm(server)
		err = server.Serve(l)
		time.Sleep(time.Minute) // shutdownAtTerm exits
		return err
	case "unix-removed":
		_ = os.Remove(address)
		l, err := net.Listen("unix", address)
		if err != nil {
			return err
		}
		return server.Serve(l)
	case "print": // where the system wants it
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		fmt.Println("listens", l.Addr())
		return server.Serve(l)
	case "tcp4", "tcp6":
		l, err := net.Listen(kind, address)
		if err != nil {
			return err
		}
		return server.Serve(l)
	case "raw":
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		return serveRaw(l)
	case "leave":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		leave(address)
	case "never": // to be forgotten
		select {}
	}
	if serve, known := more[kind]; known {
		return serve(address)
	}
	return fmt.Errorf("unknown kind %q", kind)
}

// more is what this system can serve besides.
var more = map[string]func(address string) error{}

// serveRaw says to each connection who has accepted it.
func serveRaw(l net.Listener) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			fmt.Fprintf(conn, "%d\n", os.Getpid())
			conn.Close()
		}()
	}
}

// leave ends the program in one of the ways in which programs end, and says what it has seen of itself.
func leave(how string) {
	switch how {
	case "exit":
		os.Exit(7)
	case "panic":
		panic("as told")
	case "nil":
		var m map[string]int
		m[how]++
	case "return":
		info, _ := debug.ReadBuildInfo()
		fmt.Println(info.GoVersion, info.Path, info.Main, len(info.Deps))
		for _, setting := range info.Settings {
			if setting.Key != "-ldflags" {
				fmt.Println(setting.Key, setting.Value)
			}
		}
		env := os.Environ()
		sort.Strings(env)
		fmt.Println(strings.Join(env, "\n"))
		os.Exit(0)
	}
}

// ownServer counts its connections, gives each a number, and trusts that its listener is the one that it made. On /stop
// it shuts down, on /hijack it takes over the connection and repeats what it hears.
func ownServer(address string) *http.Server {
	type key string
	var open, numbered int64
	server := &http.Server{
		Addr: address,
		BaseContext: func(l net.Listener) context.Context {
			return context.WithValue(context.Background(), key("listener"), l.(*net.TCPListener).Addr().String())
		},
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			_ = conn.(*net.TCPConn).SetNoDelay(true)
			return context.WithValue(ctx, key("number"), atomic.AddInt64(&numbered, 1))
		},
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				atomic.AddInt64(&open, 1)
			case http.StateClosed, http.StateHijacked:
				atomic.AddInt64(&open, -1)
			}
		},
	}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/stop":
			go func() {
				_ = server.Shutdown(context.Background())
				fmt.Println("shut down")
			}()
			return
		case "/hijack":
			conn, both, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			defer conn.Close()
			for {
				line, err := both.ReadString('\n')
				if err != nil {
					return
				}
				_, _ = io.WriteString(conn, line)
			}
		}
		ctx := r.Context()
		fmt.Fprintf(w, "%d open=%d listener=%v number=%v from=%s cancelled=%v", os.Getpid(), atomic.LoadInt64(&open),
			ctx.Value(key("listener")), ctx.Value(key("number")), r.RemoteAddr, ctx.Err() != nil)
	})
	return server
}

func answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if wait, err := time.ParseDuration(r.URL.Query().Get("wait")); err == nil {
		time.Sleep(wait)
	}
	if is := r.URL.Query().Get("type"); is != "" {
		w.Header().Set("Content-Type", is)
	}
	if r.URL.Query().Get("pid") != "" { // also in the header
		w.Header().Set("Pid", strconv.Itoa(os.Getpid()))
	}
	if r.URL.Query().Get("begin") != "" {
		_ = http.NewResponseController(w).Flush()
	}
	for until := r.URL.Query().Get("until"); until != ""; time.Sleep(time.Millisecond) { // as in: until this file is there
		if _, err := os.Stat(until); err == nil {
			break
		}
	}
	text := fmt.Sprintf("%d %d %s", os.Getpid(), len(body), r.Proto)
	after := r.URL.Query().Get("after")
	if after != "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	_, _ = io.WriteString(w, text)
	if after != "" { // the client has the whole answer, and the handler stays until this file is there
		_ = http.NewResponseController(w).Flush()
		for _, err := os.Stat(after); err != nil; _, err = os.Stat(after) {
			time.Sleep(time.Millisecond)
		}
	}
	if size, err := strconv.Atoi(r.URL.Query().Get("size")); err == nil {
		_, _ = io.WriteString(w, strings.Repeat(".", size))
	}
}

var filler = strings.Repeat("<p>hello, hello\n", 256)

func page(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/json" {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"hello": "world"})
		return
	}
	if r.URL.Path == "/page/policy" {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; script-src 'nonce-abcdefgh' 'strict-dynamic'")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<!doctype html><html><head><title>x</title></head><body>")
	_, _ = io.WriteString(w, filler)
	_, _ = io.WriteString(w, "</body></html>")
}

var baseKey = struct{ name string }{"base"}

func authorities(file string) *x509.CertPool {
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		panic(file)
	}
	return pool
}

// describe answers with all that a handler can see of a request, after the pid. On /upgrade it speaks another protocol,
// in which everything is said twice.
func describe(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/upgrade" {
		conn, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n%d\n", os.Getpid())
		for line, err := both.ReadString('\n'); err == nil; line, err = both.ReadString('\n') {
			_, _ = io.WriteString(conn, line+line)
		}
		return
	}
	before := fmt.Sprintf("%q", r.Trailer)
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%d %s %q %s %s %q %q\n", os.Getpid(), r.Method, r.RequestURI, r.URL, r.Proto, r.Host, r.Header)
	fmt.Fprintln(w, len(body), sha256.Sum256(body), err, r.ContentLength, r.TransferEncoding, r.Close, before, r.Trailer)
	local := r.Context().Value(http.LocalAddrContextKey)
	fmt.Fprintf(w, "%s %T %v %v\n", r.RemoteAddr, local, local, r.Context().Value(baseKey))
	if r.TLS != nil {
		state := reflect.ValueOf(*r.TLS)
		for i := range state.NumField() {
			if field := state.Type().Field(i); field.IsExported() {
				text, err := json.Marshal(state.Field(i).Interface())
				fmt.Fprintf(w, "%s %x %v\n", field.Name, sha256.Sum256(text), err)
			}
		}
		fmt.Fprintln(w, len(r.TLS.PeerCertificates), len(r.TLS.VerifiedChains))
		for _, chain := range r.TLS.VerifiedChains {
			fmt.Fprintln(w, len(chain), chain[0] == r.TLS.PeerCertificates[0])
		}
		_, _ = r.TLS.ExportKeyingMaterial("label", nil, 16) // cannot be the same, and must not crash
	}
}

// cost is what it takes to open a file and close it: objects, and nanoseconds.
func cost(name string) string {
	const times = 20000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	for range times {
		if f, err := os.Open(name); err == nil {
			f.Close()
		}
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	return fmt.Sprint((after.Mallocs-before.Mallocs+times/2)/times, " ", took.Nanoseconds()/times)
}

// openAll opens files in all ways, twice.
func openAll(dir string) {
	_ = os.Chdir(dir)
	for range 2 {
		_, _ = os.ReadFile("read")
		if f, err := os.Open("opened"); err == nil {
			f.Close()
		}
		_, _ = template.ParseGlob("templates/*.html")
		_, _ = fs.ReadFile(os.DirFS(dir), "fs")
		_ = os.WriteFile("written", nil, 0o600)
		if f, err := os.Create("created"); err == nil {
			f.Close()
		}
		if f, err := os.CreateTemp(dir, "temporary"); err == nil {
			os.Remove(f.Name())
			f.Close()
		}
		if f, err := os.OpenFile("log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
			f.Close()
		}
		_, _ = os.ReadFile("/etc/hosts")
		_, _ = os.Stat("only looked at")
	}
}

func shutdownAtTerm(server *http.Server) {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	<-term
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = server.Shutdown(ctx)
	os.Exit(0)
}

func certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
