// Shared is a worker with many clients: a board on which all clients write lines and read all lines. A new client gets
// the lines so far. They are stored in a file for the next generation.
//
//	hotreload -- ./shared 127.0.0.1:7000 board.txt
//	nc 127.0.0.1 7000
//	hotreload query
//
// Clients cannot end the worker: only hotreload's clients can. When another worker takes over, the clients are told to
// connect again.
package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"os"
	"sync"

	"hotreload/worker"
)

// board is the text and its readers.
type board struct {
	mu      sync.Mutex // guards all below
	file    *os.File
	clients map[net.Conn]bool
	lines   int
}

func main() {
	listener, err := worker.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	b := &board{clients: map[net.Conn]bool{}}
	worker.OnDrain(b.bye)
	worker.OnReload(func() { b.write("the code has changed") }) // with reloadable = false
	worker.OnQuery(b.status)
	worker.Ready()
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go b.serve(conn)
	}
}

func (b *board) serve(conn net.Conn) {
	defer conn.Close()
	if !b.admit(conn) {
		return
	}
	defer b.dismiss(conn)
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		b.write(lines.Text())
	}
}

// admit opens the file at the first client, because the previous generation may write to it until then.
func (b *board) admit(conn net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		file, err := os.OpenFile(os.Args[2], os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			log.Print(err)
			return false
		}
		b.file = file
	}
	text, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Print(err)
		return false
	}
	b.clients[conn] = true
	fmt.Fprintf(conn, "%sgeneration %d\n", text, worker.Generation())
	return true
}

func (b *board) dismiss(conn net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.clients, conn)
}

func (b *board) write(line string) {
	_ = worker.Send(map[string]string{"line": line})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines++
	if b.file != nil {
		fmt.Fprintln(b.file, line)
	}
	for conn := range b.clients {
		fmt.Fprintln(conn, line)
	}
}

// bye ends all connections, after the pending text.
func (b *board) bye() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for conn := range b.clients {
		fmt.Fprintln(conn, "bye")
		conn.Close()
	}
}

// status is the public status, and for privileged clients also the list of readers.
func (b *board) status(privileged bool) *worker.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &worker.Status{
		Text: fmt.Sprintf("%d clients", len(b.clients)),
		Counters: []worker.Counter{
			{Name: "clients", Value: float64(len(b.clients))},
			{Name: "lines", Value: float64(b.lines), Unit: "c", Privileged: true},
		},
	}
	if privileged {
		for conn := range b.clients {
			s.Text += " " + conn.RemoteAddr().String()
		}
	}
	return s
}
