package browser

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestUnserved: answers to browsers while no worker runs, and to a page found by DNS rebinding.
func TestUnserved(t *testing.T) {
	s := newSite(t, Settings{})
	for _, c := range []struct {
		name, path, host string
		status           int
		keyed            bool // the answer contains the key
	}{
		{"a document", "/x?y=1", "localhost", http.StatusServiceUnavailable, true},
		{"a foreign host", "/", "evil.example", http.StatusServiceUnavailable, false},
		{"the script of the page", Prefix + testKey + "/unserved.js", "localhost", http.StatusOK, false},
		{"another key", Prefix + "x/client.js", "localhost", http.StatusNotFound, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, there := net.Pipe()
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(patience))
			s.Unserved("web", there)
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", c.path, c.host)
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			keyed := strings.Contains(string(body), testKey)
			if err != nil || answer.StatusCode != c.status || keyed != c.keyed || !answer.Close {
				t.Errorf("have %s, %v, %s", answer.Status, err, body)
			}
		})
	}
}
