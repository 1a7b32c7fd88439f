// Command hello is the bundled example: an ordinary server that has never heard of hotreload. Start it with
//
//	go run . ./testdata/hello
//
// in hotreload's root, open http://localhost:8080, and edit greeting.go.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	flag.Parse()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, greeting(r.URL.Query().Get("name")))
	})
	log.Printf("hello: http://%s", *addr)
	log.Fatal(http.ListenAndServe(*addr, nil))
}
