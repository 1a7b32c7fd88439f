package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// TestWindowsOfAProgram: two visible windows share a connection to hotreload while the program is replaced and crashes,
// and both show the newest state.
func TestWindowsOfAProgram(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	s := startControlled(t, newModule(t, map[string]string{"main.go": strings.Replace(strict, "	boot()\n", `	boot()
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
`, 1)}), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	b.tells("open http://" + s.addr + "/")
	b.value("window")
	b.tells("open http://" + s.addr + "/")
	both := func(condition string) {
		t.Helper()
		for i := range 2 {
			b.tells(fmt.Sprint("look ", i))
			b.await(condition)
		}
		s.listeners(b, 1)
	}
	both(`document.visibilityState == "visible" && document.body.innerText == "v1"`)
	s.save("version.go", version("v2", ""))
	both(`document.body.innerText == "v2"`)
	before := s.pid()
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.eventually("another worker serves", func() bool {
		now, err := s.get("/pid")
		return err == nil && now != fmt.Sprint(before)
	})
	s.save("version.go", version("v3", ""))
	both(`document.body.innerText == "v3"`)
	s.save("version.go", "package broken")
	for i := range 2 {
		b.tells(fmt.Sprint("look ", i))
		b.overlay("Build failed")
	}
	s.save("version.go", version("v4", ""))
	both(`document.body.innerText == "v4"`)
	b.tells("look 0")
	b.tells("open about:blank") // perhaps it had the connection
	s.listeners(b, 1)
	s.save("version.go", version("v5", ""))
	b.tells("look 1")
	b.await(`document.body.innerText == "v5"`)
}
