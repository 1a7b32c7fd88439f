// Command business answers the gateway's requests. Workers keep no state between two requests, so any worker of any
// generation can answer.
package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	// hotreload listens for this program (LISTEN_FDS), so the gateway always finds it at the same port.
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		log.Fatal("start it by hotreload -c testdata/gateway/hotreload.toml: ", err)
	}
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		message, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, reply(string(message)))
	})))
}
