//go:build linux

package e2e

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// strict is a server of pages with the Content-Security-Policy that the URL asks for.
const strict = `package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	boot()
	http.HandleFunc("/style.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		fmt.Fprint(w, "body { background: rgb(0, 0, 9) }")
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for _, policy := range r.URL.Query()["csp"] {
			w.Header().Add("Content-Security-Policy", policy)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><html><head><title>strict</title></head><body>", version,
			"<script>document.title = 'inline'</script></body></html>")
	})
	http.HandleFunc("/frame", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "<!doctype html><html><head></head><body>", version, "<iframe src=/></iframe></body></html>")
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
`

// TestPagesWithPolicies: pages reload under each Content-Security-Policy, and everything that the policy forbids stays
// forbidden.
func TestPagesWithPolicies(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	s := startControlled(t, newModule(t, map[string]string{"main.go": strict}), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	for i, policies := range [][]string{
		nil,
		{"default-src 'self'"},
		{"default-src 'none'"},
		{"default-src 'none'; script-src 'none'; connect-src 'none'"},
		{"script-src 'self'; connect-src 'self'"},
		{"script-src 'nonce-abc'; object-src 'none'"},
		{"script-src 'strict-dynamic' 'nonce-abc'; base-uri 'none'"},
		{"default-src 'self'; script-src https://cdn.example; connect-src https://api.example"},
		{"script-src-elem 'none'; script-src 'self'"},
		{"default-src 'none'; style-src 'none'; img-src 'none'"},
		{"require-trusted-types-for 'script'; trusted-types 'none'; script-src 'self'"},
		{"default-src 'self'", "script-src 'nonce-abc'"},
		{"script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"},
	} {
		name := strings.Join(policies, " | ")
		b.tells("open http://" + s.addr + "/?" + url.Values{"csp": policies}.Encode())
		b.await(`window[Symbol.for("hotreload")] === true`)
		s.listeners(b, 1)
		want := `"strict"`
		if len(policies) == 0 || !strings.Contains(name, "script-src") && !strings.Contains(name, "default-src") {
			want = `"inline"`
		}
		if have := b.value("eval document.title"); have != want {
			t.Errorf("%s: the title is %s, want %s", name, have, want)
		}
		if i%4 != 3 {
			continue
		}
		s.save("version.go", "package broken")
		b.overlay("Build failed")
		s.save("version.go", version(fmt.Sprint("v", i), ""))
		b.await(fmt.Sprintf(`document.body.innerText == "v%d"`, i))
	}
}

// TestPageInFrame: a frame leaves its reload to its window, and has no connection of its own.
func TestPageInFrame(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	s := startControlled(t, newModule(t, map[string]string{"main.go": strict}), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	b.tells("open http://" + s.addr + "/frame")
	b.await(`document.querySelector("iframe").contentDocument.title == "inline"`)
	b.await(`document.querySelector("iframe").contentWindow[Symbol.for("hotreload")] === true`)
	s.listeners(b, 1)
	s.save("version.go", version("v2", ""))
	b.await(`document.body.innerText.startsWith("v2")`)
	b.await(`document.querySelector("iframe").contentDocument.body.innerText.startsWith("v2")`)
	s.listeners(b, 1)
}

// TestPagesOverTLS: pages also reload over TLS, where connections cannot be handed over.
func TestPagesOverTLS(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	overTLS := freeAddr(t)
	s := startControlled(t, newModule(t, map[string]string{"main.go": site}), ".", "{addr}", overTLS)
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	s.listens(s.addr, overTLS)
	b.tells("open https://" + overTLS + "/")
	s.listeners(b, 1)
	for v := 2; v <= 4; v++ {
		s.save("version.go", version(fmt.Sprint("v", v), ""))
		b.await(fmt.Sprintf(`document.body.innerText == "v%d HTTP/2.0"`, v))
		s.listeners(b, 1)
	}
	s.save("version.go", "package main\n\nbroken\n")
	b.overlay("Build failed", "version.go:3:1", "broken")
}

// TestTwoServices: each page reloads with its own service only, and with those in reload_on.
func TestTwoServices(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	one, two := freeAddr(t), freeAddr(t)
	service := "[[service]]\nname = %q\npackage = \"./%[1]s\"\nargs = [%[2]q]\n"
	files := map[string]string{"hotreload.toml": fmt.Sprintf(service, "web", one) + fmt.Sprintf(service, "api", two)}
	for _, name := range []string{"web", "api"} {
		files[name+"/main.go"], files[name+"/version.go"] = strict, version(name+" 1", "")
	}
	s := startControlled(t, newModule(t, files))
	s.eventually("both services serve", func() bool { return s.count(`(web|api)\] generation 1 serves`) == 2 })
	b.tells("open http://" + two + "/")
	b.await(`document.body.innerText == "api 1"`)
	s.listeners(b, 1)
	b.value(`eval window.mark = 1`)
	s.save("web/version.go", version("web 2", ""))
	s.waitFor(`web\] generation 2 serves`)
	s.save("web/version.go", "package broken")
	s.waitFor(`web\] build failed`)
	b.overlay()
	b.is(`window.mark`, "1")
	s.save("api/version.go", version("api 2", ""))
	b.await(`document.body.innerText == "api 2"`)

	s.save("hotreload.toml", files["hotreload.toml"]+"[browser]\nreload_on = [\"web\"]\n")
	s.waitFor(`hotreload.toml: in effect`)
	s.listeners(b, 1)
	b.value(`eval window.mark = 1`)
	s.save("web/version.go", version("web 3", ""))
	b.await(`window.mark === undefined && document.body.innerText == "api 2"`)
	if answer, err := get("http://" + one + "/"); err != nil || !strings.Contains(answer, "web 3") {
		t.Errorf("after the reload, web answers %q (%v), want web 3", answer, err)
	}
}

// TestProxyForProgramsWithoutGate: pages of a program without the agent reload at the proxy's address, and only there.
func TestProxyForProgramsWithoutGate(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	addr, proxy := freeAddr(t), freeAddr(t)
	s := startControlled(t, newModule(t, map[string]string{
		"main.go":        strict,
		"hotreload.toml": fmt.Sprintf("no_agent = true\n[browser]\nproxy = %q\nproxy_to = %q\n", proxy, addr),
	}), ".", addr)
	s.waitFor(`pages that follow changes: http://` + proxy + `/`)
	s.waitFor(`generation 1 (serves|is running)`)
	s.listens(addr)
	b.tells("open http://" + addr + "/")
	b.await(`document.title == "inline"`)
	b.is(`window[Symbol.for("hotreload")] === undefined`, "true")
	b.tells("open http://" + proxy + "/")
	b.await(`document.title == "inline" && window[Symbol.for("hotreload")] === true`)
	s.listeners(b, 1)
	s.save("version.go", "package main\n\nbroken\n")
	b.overlay("Build failed", "version.go:3:1")
	s.save("version.go", version("v2", ""))
	b.await(`document.body.innerText == "v2"`)
}

// TestOpenAtTheFirstReady: --open opens the program's page once, with the scheme that the program speaks.
func TestOpenAtTheFirstReady(t *testing.T) {
	t.Parallel()
	secure := strings.NewReplacer("go func() { log.Fatal(http.ListenAndServe(os.Args[1], nil)) }()", "",
		"os.Args[2]", "os.Args[1]").Replace(site)
	for _, c := range []struct {
		scheme string
		files  map[string]string
	}{
		{"http", nil},
		{"https", map[string]string{"main.go": secure}},
	} {
		t.Run(c.scheme, func(t *testing.T) {
			t.Parallel()
			dir := newModule(t, c.files)
			opened := filepath.Join(dir, "..", "opened")
			save(t, filepath.Join(dir, "..", "browser"), "#!/bin/sh\necho \"$1\" >>"+opened+"\n")
			if err := os.Chmod(filepath.Join(dir, "..", "browser"), 0o777); err != nil {
				t.Fatal(err)
			}
			env := []string{"BROWSER=" + filepath.Join(dir, "..", "browser")}
			s := setup{env: env}.start(t, dir, "--open", ".", "{addr}")
			want := c.scheme + "://" + s.addr + "/\n"
			s.waitFor(`generation 1 serves`)
			has := func() string {
				text, _ := os.ReadFile(opened)
				return string(text)
			}
			eventually(t, "a page is opened", func() bool { return has() != "" })
			s.save("version.go", version("v2", ""))
			s.waitFor(`generation 2 serves`)
			if have := has(); have != want {
				t.Errorf("have %q, want %q", have, want)
			}
		})
	}
}

// TestConsoleOfPages: an uncaught error in a page is a line on the terminal, an event, and a problem of the code until
// the page is loaded again or new code serves.
func TestConsoleOfPages(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	main := strings.Replace(strict, "document.title = 'inline'",
		"if (location.search) nowhere(1); document.title = 'well'", 1)
	s := startControlled(t, newModule(t, map[string]string{
		"main.go": main, "hotreload.toml": "[browser]\nconsole = \"errors\"\n",
	}), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	events := make(chan string, 1)
	go func() { // ends with hotreload, or at the event
		defer close(events)
		cmd := exec.Command(os.Args[0], "events")
		cmd.Dir, cmd.Env = s.dir, append(os.Environ(), beHotreload+"=1", "XDG_RUNTIME_DIR="+s.runtime())
		out, err := cmd.StdoutPipe()
		if err != nil || cmd.Start() != nil {
			return
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.Contains(lines.Text(), `"event":"browser"`) {
				events <- lines.Text()
				break
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	b.tells("open http://" + s.addr + "/somewhere?bad")
	s.waitFor(`browser /somewhere: Uncaught ReferenceError: nowhere is not defined \(somewhere:1:\d+\)`)
	event := ""
	eventually(t, "the event comes", func() bool {
		select {
		case event = <-events:
		default:
			b.tells("open http://" + s.addr + "/somewhere?bad") // again, because events are not kept for late listeners
			b.await(`document.readyState == "complete"`)
		}
		return event != ""
	})
	page := `"page":"http://` + s.addr + `/somewhere?bad"`
	for _, want := range []string{`"level":"error"`, page, "nowhere is not defined"} {
		if !strings.Contains(event, want) {
			t.Errorf("the event is %s, want %s", event, want)
		}
	}
	problem := func(what string) {
		t.Helper()
		eventually(t, what+" is a problem", func() bool {
			text, code := s.problems("")
			return strings.HasPrefix(text, "browser: "+what) && code == 1
		})
	}
	none := func(when string) {
		t.Helper()
		if text, code := s.problems(""); text != "" || code != 0 {
			t.Errorf("%s: have exit code %d and %s", when, code, text)
		}
	}
	problem("Uncaught ReferenceError: nowhere is not defined (page /somewhere:1:")
	if text, _ := s.command("status"); !strings.Contains(text, "1 problem: hotreload problems") {
		t.Errorf("status: have %s", text)
	}
	b.tells("open http://" + s.addr + "/somewhere")
	b.await(`document.title == "well"`)
	eventually(t, "the problem is gone", func() bool { text, _ := s.problems(""); return text == "" })
	b.tells("open http://" + s.addr + "/somewhere?bad")
	problem("Uncaught ReferenceError")
	save(t, filepath.Join(s.dir, "main.go"), strings.Replace(main, "nowhere(1)", "Promise.reject(7)", 1))
	s.waitFor(`generation 2 serves`)
	problem("Unhandled rejection: 7 (page /somewhere)")
	save(t, filepath.Join(s.dir, "main.go"), strings.Replace(main, "nowhere(1)", "", 1))
	s.waitFor(`generation 3 serves`)
	none("new code serves")
	b.await(`document.title == "well"`)
	none("and is shown")
}
