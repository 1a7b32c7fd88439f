//go:build !go1.24

package web

import (
	"io"
	"net/http"
	"reflect"
	"sync"
	"time"
	"unsafe"
)

// Before Go 1.24 nothing can stand between net/http and an HTTP/2 connection over TLS. The GOAWAY of net/http refuses
// all streams not yet seen by the server, although the client may have begun to send them. So a first GOAWAY, which
// refuses nothing, is sent from inside net/http's connection, on the goroutine that owns the connection: this
// goroutine runs functions sent by net/http's tests, and our function writes between two frames. These versions of Go
// no longer change. No PING is sent, for the client's answer could not be seen here: the header follows after
// doubtAfter, if the client still sends requests.

// inside2 knows where net/http keeps the parts for foretell.
type inside2 struct {
	response    reflect.Type // *http.http2responseWriter
	state, conn uintptr      // in the response: the state; in the state: the *http.http2serverConn
	messages    uintptr      // in the connection: the channel of its goroutine
	done        uintptr      // the channel closed at the goroutine's end
	writing     uintptr      // a frame is being written
	unsent      uintptr      // something has to be flushed
	framer      uintptr      // the connection's *http.http2Framer
	writer      uintptr      // in the framer
}

var (
	places2Once sync.Once
	places2     *inside2 // nil: net/http is different
)

// lookInside2 finds the places.
func lookInside2(response reflect.Type) *inside2 {
	known := true
	// find returns a field of type want; want == nil accepts any pointer.
	find := func(t reflect.Type, name string, want reflect.Type) (reflect.Type, uintptr) {
		if !known || t.Kind() != reflect.Ptr || t.Elem().Kind() != reflect.Struct {
			known = false
			return nil, 0
		}
		field, ok := t.Elem().FieldByName(name)
		known = ok && (field.Type == want || want == nil && field.Type.Kind() == reflect.Ptr)
		return field.Type, field.Offset
	}
	in := &inside2{response: response}
	var state, conn, framer reflect.Type
	state, in.state = find(response, "rws", nil)
	conn, in.conn = find(state, "conn", nil)
	framer, in.framer = find(conn, "framer", nil)
	_, in.messages = find(conn, "serveMsgCh", reflect.TypeOf((chan interface{})(nil)))
	_, in.done = find(conn, "doneServing", reflect.TypeOf((chan struct{})(nil)))
	_, in.writing = find(conn, "writingFrame", reflect.TypeOf(false))
	_, in.unsent = find(conn, "needsFrameFlush", reflect.TypeOf(false))
	_, in.writer = find(framer, "w", reflect.TypeOf((*io.Writer)(nil)).Elem())
	if !known {
		return nil
	}
	return in
}

// foretold contains the time when each connection was told, by address. All of these connections belong to a draining
// worker, which will soon exit.
var foretold struct {
	sync.Mutex
	since map[unsafe.Pointer]time.Time
}

// foretell tells the client of an HTTP/2 request to send its next requests elsewhere. It returns true if this is
// enough for now, so the answer need not have the header.
func foretell(w http.ResponseWriter) bool {
	t := reflect.TypeOf(w)
	if t.Kind() != reflect.Ptr || t.Elem().PkgPath() != "net/http" || t.Elem().Name() != "http2responseWriter" {
		return false
	}
	places2Once.Do(func() { places2 = lookInside2(t) })
	in := places2
	if in == nil || in.response != t {
		return false
	}
	at := func(p unsafe.Pointer, offset uintptr) unsafe.Pointer {
		return *(*unsafe.Pointer)(unsafe.Pointer(uintptr(p) + offset))
	}
	conn := at(at(unsafe.Pointer(reflect.ValueOf(w).Pointer()), in.state), in.conn)
	foretold.Lock()
	since, begun := foretold.since[conn]
	if !begun {
		if foretold.since == nil {
			foretold.since = map[unsafe.Pointer]time.Time{}
		}
		foretold.since[conn] = time.Now()
	}
	foretold.Unlock()
	if !begun && !in.tell(conn) {
		go in.tellLater(conn) // ends with a successful write, or with the connection
	}
	return !begun || time.Since(since) < doubtAfter
}

// tellLater tries until the client is told. Writing a frame does not take long, and the pause is short, so the client
// is told before the next answer.
func (in *inside2) tellLater(conn unsafe.Pointer) {
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for {
		<-pause.C
		if in.tell(conn) {
			return
		}
	}
}

// tell makes the connection's goroutine write, and reports whether the goroutine has written, or has ended.
func (in *inside2) tell(conn unsafe.Pointer) bool {
	messages := *(*chan interface{})(unsafe.Pointer(uintptr(conn) + in.messages))
	done := *(*chan struct{})(unsafe.Pointer(uintptr(conn) + in.done))
	told := make(chan bool, 1)
	select {
	case messages <- func(int) { told <- in.write(conn) }:
	case <-done:
		return true
	}
	select {
	case is := <-told:
		return is
	case <-done:
		return true
	}
}

// write is called on the connection's goroutine. During the write of a frame, another goroutine uses the writer.
func (in *inside2) write(conn unsafe.Pointer) bool {
	if *(*bool)(unsafe.Pointer(uintptr(conn) + in.writing)) {
		return false
	}
	framer := *(*unsafe.Pointer)(unsafe.Pointer(uintptr(conn) + in.framer))
	w, ok := (*(*io.Writer)(unsafe.Pointer(uintptr(framer) + in.writer))).(interface {
		io.Writer
		Available() int
	})
	if !ok {
		return true // net/http is different
	}
	if w.Available() < len(firstGoAway) { // the write might block
		return false
	}
	_, _ = w.Write(firstGoAway)                                // the next frame will report an error
	*(*bool)(unsafe.Pointer(uintptr(conn) + in.unsent)) = true // so the next frame flushes it
	return true
}

// firstGoAway refuses no stream.
var firstGoAway = frame(goAwayFrame, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0)
