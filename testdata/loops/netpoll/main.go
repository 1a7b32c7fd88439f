// Command netpoll answers with the event loop cloudwego/netpoll. An ordinary program, without code for hotreload. Each
// answer comes after half a second, with the generation. There is no graceful shutdown.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/cloudwego/netpoll"
)

func main() {
	l, err := netpoll.CreateListener("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	loop, err := netpoll.NewEventLoop(answer)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(loop.Serve(l))
}

// answer answers the requests received on a connection. The requests have no body.
func answer(_ context.Context, c netpoll.Connection) error {
	head, err := c.Reader().Next(c.Reader().Len())
	if err != nil || !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		return c.Close()
	}
	closes := bytes.Contains(head, []byte("Connection: close"))
	time.Sleep(500 * time.Millisecond)
	body := os.Getenv("HOTRELOAD_GENERATION")
	_, err = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	if err != nil || closes {
		return c.Close()
	}
	return nil
}
