// Command gnet answers with gnet, whose event loop binds, accepts and reads by direct system calls. An ordinary
// program, without code for hotreload. Each answer comes after half a second, with the generation. There is no graceful
// shutdown.
package main

import (
	"fmt"
	"log"
	"os"
	"time"

	"github.com/panjf2000/gnet/v2"
)

type server struct{ gnet.BuiltinEventEngine }

func (*server) OnTraffic(c gnet.Conn) gnet.Action {
	if _, err := c.Next(-1); err != nil {
		return gnet.Close
	}
	body := os.Getenv("HOTRELOAD_GENERATION")
	time.AfterFunc(500*time.Millisecond, func() {
		answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
		_ = c.AsyncWrite([]byte(answer), func(c gnet.Conn, _ error) error { return c.Close() })
	})
	return gnet.None
}

func main() { log.Fatal(gnet.Run(&server{}, "tcp://"+os.Args[1], gnet.WithReuseAddr(true))) }
