//go:build unix

// Command unchanged is a server without code for hotreload: the program creates its own listener, and knows nothing of
// workers. The arguments select the protocol and the address.
//
//	http, tls, h2c   net/http; with tls also HTTP/2
//	unix             net/http on a Unix socket
//	unix-removed     the same, but it first removes the path, like programs that may have been killed
//	bad              net/http; /bad?do= misuses the listener: close (and listen again), shutdown, block
//	raw              lines of an endless TCP session, "GENERATION LINE"
//
// With stop, SIGTERM leads to Shutdown at once; with bare, SIGTERM kills the program. The answer to /echo?id=N is
// "GENERATION N LENGTH CRC32" of the request's body.
package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

var generation = os.Getenv("HOTRELOAD_GENERATION")

func main() {
	kind, address, manners := os.Args[1], os.Args[2], os.Args[3]
	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // the client has gone
		}
		fmt.Fprintf(w, "%s %s %d %d\n", generation, r.URL.Query().Get("id"), len(body), crc32.ChecksumIEEE(body))
	})
	server := &http.Server{Addr: address}
	if manners == "stop" {
		stopped := make(chan struct{})
		go stop(server, stopped)
		defer func() { <-stopped }()
	}
	if err := serve(kind, server); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

func serve(kind string, server *http.Server) error {
	switch kind {
	case "http":
		return server.ListenAndServe()
	case "tls":
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate()}}
		return server.ListenAndServeTLS("", "")
	case "h2c":
		server.Protocols = new(http.Protocols)
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
		return server.ListenAndServe()
	case "unix", "unix-removed":
		if kind == "unix-removed" {
			_ = os.Remove(server.Addr)
		}
		l, err := net.Listen("unix", server.Addr)
		if err != nil {
			return err
		}
		return server.Serve(l)
	case "bad":
		l, err := net.Listen("tcp", server.Addr)
		if err != nil {
			return err
		}
		http.HandleFunc("/bad", func(w http.ResponseWriter, r *http.Request) {
			if err := mistreat(l.(*net.TCPListener), r.URL.Query().Get("do")); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
		for {
			if err := server.Serve(l); !errors.Is(err, net.ErrClosed) {
				return err
			}
			if l, err = net.Listen("tcp", server.Addr); err != nil {
				return err
			}
		}
	case "raw":
		l, err := net.Listen("tcp", server.Addr)
		if err != nil {
			return err
		}
		for {
			conn, err := l.Accept()
			if err != nil {
				return err
			}
			go session(conn)
		}
	}
	return fmt.Errorf("unknown kind %q", kind)
}

// session repeats its input until the client leaves.
func session(conn net.Conn) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		fmt.Fprintln(conn, generation, lines.Text())
	}
}

// mistreat does something to a listener that no program should do to a shared one.
func mistreat(l *net.TCPListener, how string) error {
	switch how {
	case "close":
		return l.Close()
	case "shutdown":
		raw, err := l.SyscallConn()
		if err != nil {
			return err
		}
		if control := raw.Control(func(fd uintptr) { err = syscall.Shutdown(int(fd), syscall.SHUT_RD) }); control != nil {
			return control
		}
		return err
	case "block":
		file, err := l.File()
		if err != nil {
			return err
		}
		return syscall.SetNonblock(int(file.Fd()), false) // in old versions of Go, Fd has done this already
	}
	return fmt.Errorf("unknown: %q", how)
}

func stop(server *http.Server, stopped chan struct{}) {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	<-term
	if err := server.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
	close(stopped)
}

func certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
