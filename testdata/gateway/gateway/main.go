// Command gateway keeps the WebSockets of its clients and forwards their messages to the business. With reloadable =
// false, hotreload does not replace the gateway, so the gateway contains little that changes. Of the business, only the
// address is known here.
package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/coder/websocket"
)

func main() {
	address := flag.String("addr", "localhost:8080", "address to listen on")
	flag.Parse()
	business := "http://" + os.Getenv("HOTRELOAD_ADDR_BUSINESS") + "/"
	var open atomic.Int64

	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGHUP) // on_reload
	go func() {
		for range told {
			log.Printf("the gateway is old, and keeps %d connections", open.Load())
		}
	}()

	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return // Accept has answered
		}
		defer conn.CloseNow()
		open.Add(1)
		defer open.Add(-1)
		for {
			kind, message, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			answer, err := ask(r.Context(), business, message)
			if err != nil {
				answer = []byte("error: " + err.Error())
			}
			if conn.Write(r.Context(), kind, answer) != nil {
				return
			}
		}
	})
	log.Print("gateway at ", *address)
	log.Fatal(http.ListenAndServe(*address, nil))
}

// ask sends a message to the business and returns the answer.
func ask(ctx context.Context, business string, message []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, business, bytes.NewReader(message))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}
