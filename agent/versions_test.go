//go:build linux

package agent_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotreload/gobuild"
)

// oldServer compiles as Go of any version.
const oldServer = `package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%d %d %s", os.Getpid(), len(body), r.Proto)
	})
	http.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "<!doctype html><html><head></head></html>")
	})
	go func() { panic(http.ListenAndServe(os.Args[1], nil)) }()
	panic(http.ListenAndServeTLS(os.Args[2], os.Args[3], os.Args[4], nil))
}
`

// withModule is oldServer with the HTTP/2 of golang.org/x/net. Since Go 1.27 net/http does its work.
var withModule = strings.NewReplacer(`"os"`, `"os"

	"golang.org/x/net/http2"`,
	`panic(http.ListenAndServeTLS(os.Args[2], os.Args[3], os.Args[4], nil))`, `s := &http.Server{Addr: os.Args[2]}
	if err := http2.ConfigureServer(s, nil); err != nil {
		panic(err)
	}
	panic(s.ListenAndServeTLS(os.Args[3], os.Args[4]))`).Replace(oldServer)

// The module file of withModule, and the sums. This version needs Go 1.26.
const (
	moduleFile = `module example.com/old

go 1.26.0

require golang.org/x/net v0.62.0

require golang.org/x/text v0.43.0 // indirect
`
	moduleSums = `golang.org/x/net v0.62.0 h1:18ELalfM5+XNRwzM2nYqXsZQ9ByS1uhj2O/U7+5jqRY=
golang.org/x/net v0.62.0/go.mod h1:WgDCOTH8iwtB66T4/GfI94AHo/hhdb7Hah9NDseQfiI=
golang.org/x/text v0.43.0 h1:1QivrlhwAsnMOcqgOdl9my7s9OyZl8O5/UGUTJVXoWc=
golang.org/x/text v0.43.0/go.mod h1:hbSIYA/amXcRXTFSZqh8tWHEoqRvvbKPJ2uz/KU+a+s=
`
)

// TestGoVersions hands over programs built by other versions of Go, named in HOTRELOAD_TEST_GO ("1.21.13 1.22.12").
// go fetches missing versions.
func TestGoVersions(t *testing.T) {
	versions := strings.Fields(os.Getenv("HOTRELOAD_TEST_GO"))
	if len(versions) == 0 {
		t.Skip("HOTRELOAD_TEST_GO names no versions of Go")
	}
	type program struct{ version, name, main, module, sums string }
	var programs []program
	for _, version := range versions {
		programs = append(programs, program{version, "", oldServer, "module example.com/old\n\ngo 1.12\n", ""})
		if version >= "1.26" {
			programs = append(programs, program{version, " with golang.org/x/net", withModule, moduleFile, moduleSums})
		}
	}
	for _, c := range programs {
		t.Run(c.version+c.name, func(t *testing.T) {
			dir := t.TempDir()
			certificate, key := pemOf(t)
			for name, text := range map[string]string{
				"main.go": c.main, "go.mod": c.module, "go.sum": c.sums, "certificate.pem": certificate, "key.pem": key,
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			tcp, secure := freePort(t), freePort(t)
			s := newService(t, tcp, secure, filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem"))
			say := visited(s)
			s.path = filepath.Join(t.TempDir(), "server")
			p := gobuild.Program{Dir: dir, Env: append(os.Environ(), "GOTOOLCHAIN=go"+c.version)}
			if err := build(p, s.path, true); err != nil {
				t.Fatal(err)
			}
			s.replace(true)
			listening(t, "tcp", tcp) // ready is the first accept, of either
			listening(t, "tcp", secure)
			all := []*load{
				run(4, keepAlive("tcp", tcp, post, 0)), run(4, http2("https", secure)),
				run(16, together(http2("https", secure))),
			}
			for i := range handovers {
				for _, l := range all {
					l.until(t, i+1)
				}
				s.replace(true)
			}
			old := c.version < "1.24"
			idleClientsMove(t, s, "https", secure, !old)
			for i, l := range all {
				l.until(t, handovers+1)
				if l.end(t) > 0 {
					t.Errorf("requests of load %d failed", i)
				}
			}
			used, unused := keep(t, "tcp", tcp), keep(t, "tcp", tcp)
			used.expect(s.current, false)
			for range 3 {
				_, young := s.succeed()
				used.expect(young, false)
			}
			unused.expect(s.current, false)
			inTLS := keep(t, "tls", secure)
			inTLS.expect(s.current, false)
			_, young := s.succeed()
			inTLS.send(post)
			inTLS.expectAnswer(young, true)
			browsers(t, s, say, tcp, secure)
		})
	}
}

// browsers checks: documents have the tag of the answering generation, and the event stream works.
func browsers(t *testing.T, s *service, say func(string), tcp, secure string) {
	for _, c := range []struct {
		scheme, address, protocol string
		outlives                  bool
	}{{"http", tcp, "", true}, {"https", secure, "", false}, {"https", secure, "h2", false}} {
		client := clientOf("tcp", c.address, c.protocol)
		r, err := http.NewRequest("GET", c.scheme+"://x/page", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		want := fmt.Sprintf("<!doctype html><html><head><script %d></script></head></html>", s.current.worker)
		if string(body) != want || err != nil {
			t.Errorf("%v: have %s, %v, want %s", c, body, err, want)
		}
		in := browse(t, client, c.scheme+"://x")
		for i := range 3 {
			if i > 0 {
				s.succeed()
				if !c.outlives {
					client.CloseIdleConnections()
					in = browse(t, client, c.scheme+"://x")
				}
			}
			say(fmt.Sprint("message ", i))
			if have := message(in); have != fmt.Sprint("message ", i) {
				t.Errorf("%v: have %q, want message %d", c, have, i)
			}
		}
		client.CloseIdleConnections()
	}
}

// pemOf is a certificate for a test's server, and the key.
func pemOf(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: bytes}))
}
