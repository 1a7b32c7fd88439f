package web

//lint:file-ignore U1000 the fields of the structs below are found by reflection

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
)

// TestLookInside: structs that differ from the known versions are not touched.
func TestLookInside(t *testing.T) {
	type conn struct {
		rwc  net.Conn
		bufr *bufio.Reader
	}
	type noBuffer struct{ rwc net.Conn }
	type otherBuffer struct {
		rwc  net.Conn
		bufr bufio.Reader
	}
	type otherConn struct {
		rwc  io.ReadWriteCloser
		bufr *bufio.Reader
	}
	for _, c := range []struct {
		name     string
		response interface{}
		want     bool
	}{
		{"as it is", &struct{ conn *conn }{}, true},
		{"in another place", &struct {
			before int
			conn   *conn
		}{}, true},
		{"no connection", &struct{ other *conn }{}, false},
		{"the connection itself", &struct{ conn conn }{}, false},
		{"a connection of another kind", &struct{ conn net.Conn }{}, false},
		{"no buffer", &struct{ conn *noBuffer }{}, false},
		{"the buffer itself", &struct{ conn *otherBuffer }{}, false},
		{"another type of connection", &struct{ conn *otherConn }{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if in := lookInside(reflect.TypeOf(c.response)); (in != nil) != c.want {
				t.Errorf("have %+v, want something: %v", in, c.want)
			}
		})
	}
}

// TestInsideOfThisGo: insideOf finds the connection and the buffer of a request, and nothing in a writer of another
// type.
func TestInsideOfThisGo(t *testing.T) {
	if in := insideOf(httptest.NewRecorder()); in != nil {
		t.Errorf("it looks into a recorder: %+v", in)
	}
	var conn net.Conn
	var buffer *bufio.Reader
	var from io.Reader
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if in := insideOf(w); in != nil {
			conn, buffer = in.connection(w)
			from = *in.sourceOf(buffer)
		}
	}))
	var accepted net.Conn
	server.Config.ConnState = func(c net.Conn, _ http.ConnState) { accepted = c }
	server.Start()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	server.Close() // waits for the handler and the connection
	if conn == nil || conn != accepted || buffer == nil || from == nil {
		t.Fatalf("have %v, %v, %v; want the connection %v and how it is read", conn, buffer, from, accepted)
	}
	if name := reflect.TypeOf(from).String(); name != "*http.connReader" {
		t.Errorf("the buffer reads from a %s", name)
	}
}
