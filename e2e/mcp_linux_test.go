package e2e

import (
	"strings"
	"testing"
)

// page has a script with a mistake.
const page = `package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><html><body><script>setTimeout(() => nowhere(), 10)</script></body></html>")
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
`

// TestAgentReadsTheBrowsersConsole: an agent gets everything written by a page to the console of a real browser.
func TestAgentReadsTheBrowsersConsole(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	dir := newModule(t, map[string]string{
		"main.go": page, "version.go": "package main\n",
		"hotreload.toml": "[browser]\nconsole = \"errors\"\n",
	})
	s := setup{env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	a := newAgent(t, dir)
	b.tells("open http://" + s.addr + "/")
	text := ""
	s.eventually("the agent reads the error", func() bool {
		text, _, _ = a.call("browser_console", map[string]any{"lines": 5})
		return strings.Contains(text, "nowhere")
	})
}
