package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"reflect"
	"sync/atomic"
	"unsafe"
)

// inside knows where net/http keeps the buffer of a connection and its source, which are not exported. If the places
// differ from Go 1.21 to 1.27, connections do not move.
type inside struct {
	response    reflect.Type // *http.response
	conn        uintptr      // in a response: the *http.conn
	rwc, buffer uintptr      // in the conn: the net.Conn, and the *bufio.Reader
	source      uintptr      // in a bufio.Reader: the source
}

// places is the *inside of this version of Go, after the first request; nil if it is unknown.
var places atomic.Value

// insideOf returns where to look in net/http's writer for HTTP/1; nil if w is another type, or if net/http is
// different.
func insideOf(w http.ResponseWriter) *inside {
	t := reflect.TypeOf(w)
	in, known := places.Load().(*inside)
	if !known {
		if t.Kind() != reflect.Ptr || t.Elem().PkgPath() != "net/http" || t.Elem().Name() != "response" {
			return nil
		}
		in = lookInside(t)
		places.Store(in)
	}
	if in == nil || in.response != t {
		return nil
	}
	return in
}

// lookInside finds the places.
func lookInside(response reflect.Type) *inside {
	conn, ok := response.Elem().FieldByName("conn")
	if !ok || conn.Type.Kind() != reflect.Ptr || conn.Type.Elem().Kind() != reflect.Struct {
		return nil
	}
	rwc, ok1 := conn.Type.Elem().FieldByName("rwc")
	buffer, ok2 := conn.Type.Elem().FieldByName("bufr")
	source, ok3 := reflect.TypeOf(bufio.Reader{}).FieldByName("rd")
	if !ok1 || !ok2 || !ok3 || rwc.Type != reflect.TypeOf((*net.Conn)(nil)).Elem() ||
		buffer.Type != reflect.TypeOf((*bufio.Reader)(nil)) || source.Type != reflect.TypeOf((*io.Reader)(nil)).Elem() {
		return nil
	}
	return &inside{response: response, conn: conn.Offset, rwc: rwc.Offset, buffer: buffer.Offset, source: source.Offset}
}

// connection returns a response's connection, and the server's buffer for reading; only the connection's own
// goroutine may call it.
func (in *inside) connection(w http.ResponseWriter) (net.Conn, *bufio.Reader) {
	response := unsafe.Pointer(reflect.ValueOf(w).Pointer())
	conn := *(*unsafe.Pointer)(unsafe.Pointer(uintptr(response) + in.conn))
	return *(*net.Conn)(unsafe.Pointer(uintptr(conn) + in.rwc)),
		*(**bufio.Reader)(unsafe.Pointer(uintptr(conn) + in.buffer))
}

// sourceOf returns the source of a buffer. Reset would set the source, too, but would also drop the bytes in the
// buffer.
func (in *inside) sourceOf(b *bufio.Reader) *io.Reader {
	return (*io.Reader)(unsafe.Pointer(uintptr(unsafe.Pointer(b)) + in.source))
}
