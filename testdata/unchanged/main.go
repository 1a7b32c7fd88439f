//go:build unix

// Command unchanged is a server as it would be without hotreload: it makes its listener itself, and knows nothing of
// workers. Its arguments are what it serves, and where.
//
//	http, tls, h2c   net/http; HTTP/2 too with tls
//	unix             net/http on a Unix socket
//	unix-removed     the same, and it removes the path first, as one does who was killed once
//	bad              net/http that does to its listener what /bad?do= says: close (and listen anew), shutdown, block
//	raw              lines of a TCP session that does not end, "GENERATION LINE"
//
// With stop it calls Shutdown on SIGTERM, at once; with bare it has no such manners. It answers /echo?id=N with
// "GENERATION N LENGTH CRC32" of the body that it was sent.
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
			panic(http.ErrAbortHandler) // the caller has gone
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

// session repeats what it hears until the caller leaves.
func session(conn net.Conn) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		fmt.Fprintln(conn, generation, lines.Text())
	}
}

// mistreat does to a listener what no program should that shares it.
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
		return syscall.SetNonblock(int(file.Fd()), false) // Fd has done it already in old versions of Go
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
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
