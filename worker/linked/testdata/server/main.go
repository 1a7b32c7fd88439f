// Server is an unchanged program: it knows nothing of hotreload. Its arguments say what it serves, each as KIND=ADDRESS.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"sort"
	"strings"
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
	case "default":
		return http.ListenAndServe(address, nil)
	case "tls":
		server.Addr, server.TLSConfig = address, &tls.Config{Certificates: []tls.Certificate{certificate()}}
		return server.ListenAndServeTLS("", "")
	case "h2c":
		server.Addr, server.Protocols = address, new(http.Protocols)
		server.Protocols.SetUnencryptedHTTP2(true)
		return server.ListenAndServe()
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
	return fmt.Errorf("unknown kind %q", kind)
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

func answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if wait, err := time.ParseDuration(r.URL.Query().Get("wait")); err == nil {
		time.Sleep(wait)
	}
	fmt.Fprintf(w, "%d %d %s", os.Getpid(), len(body), r.Proto)
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
