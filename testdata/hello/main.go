// Command hello is the bundled example: an ordinary server without code for hotreload. Start it with
//
//	go run . ./testdata/hello
//
// in hotreload's root, open http://localhost:8080, and edit any file of this folder. hotreload knows how each file
// takes effect.
package main

import (
	_ "embed"
	"encoding/json"
	"flag"
	"html/template"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

//go:embed banner.txt
var banner string // compiled in

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	dir := flag.String("dir", besideSource(), "folder of the templates, the static files and the configuration")
	flag.Parse()

	// Read once, at the start.
	page := template.Must(template.ParseGlob(filepath.Join(*dir, "templates", "*.html")))
	var config struct{ Title string }
	must(json.Unmarshal(read(*dir, "config.json"), &config))
	color := strings.TrimSpace(strings.TrimPrefix(string(read(*dir, "color.env")), "COLOR="))

	// Read again for each request.
	http.Handle("/static/", http.FileServer(http.Dir(*dir)))
	http.HandleFunc("/motto", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(read(*dir, "motto.txt")) })

	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		must(page.ExecuteTemplate(w, "page.html", map[string]string{
			"Title": config.Title, "Color": color, "Banner": banner, "Greeting": greeting(r.URL.Query().Get("name")),
		}))
	})
	log.Printf("hello: http://%s", *addr)
	log.Fatal(http.ListenAndServe(*addr, nil))
}

// besideSource returns the example's folder, seen from hotreload's root or from the folder itself.
func besideSource() string {
	if _, err := os.Stat("testdata/hello"); err == nil {
		return "testdata/hello"
	}
	return "."
}

func read(dir, name string) []byte {
	text, err := os.ReadFile(filepath.Join(dir, name))
	must(err)
	return text
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
