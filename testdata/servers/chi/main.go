// Command chi answers /echo with chi, and knows nothing of hotreload.
package main

import (
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
)

func main() {
	router := chi.NewRouter()
	router.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprintf(w, "%s %s %d %d\n", os.Getenv("HOTRELOAD_GENERATION"), r.URL.Query().Get("id"), len(body),
			crc32.ChecksumIEEE(body))
	})
	log.Fatal(http.ListenAndServe(os.Args[1], router))
}
