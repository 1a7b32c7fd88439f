//go:build unix

package e2e

import (
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the README's picture, "+picture)

const picture = "docs/terminal.svg"

// TestPicture plays the session of the README's picture on the bundled example, in a real terminal, and compares the
// terminal's text with the picture's, apart from times and the address. With -update the test writes the picture:
//
//	go test ./e2e -run Picture -update
func TestPicture(t *testing.T) {
	t.Parallel()
	dir := copyOf(t, "testdata/hello")
	save(t, filepath.Join(dir, "go.mod"), "module example.com/hello\n\ngo 1.25\n")
	s := setup{terminal: true, env: []string{"NO_COLOR=", "TERM=xterm-256color"}}.start(t, dir, ".", "-addr", "{addr}")
	serves := func(generation int) {
		s.waitFor(fmt.Sprintf(`generation %d serves.*\n`, generation))
		s.eventually("the program has printed its address", func() bool { return s.count(`hello: http`) == generation })
	}
	serves(1)
	for range 2 { // a second request shows hotreload that the program opens the file whenever it is needed
		if _, err := s.get("/motto"); err != nil {
			t.Fatal(err)
		}
	}
	greet := func(words string) {
		s.saveAtOnce("greeting.go", "package main\n\nfunc greeting(name string) string { return "+words+" }\n")
	}
	greet(`"Good morning, " + name`)
	serves(2)
	greet(`"Good evening, " + nam`)
	s.waitFor(`undefined: nam\n`)
	greet(`"Good evening, " + name`)
	serves(3)
	s.saveAtOnce("templates/page.html", "<h1>{{.Greeting}}</h1>\n")
	serves(4)
	s.saveAtOnce("motto.txt", "Make it work.\n")
	s.waitFor(`in effect already.*\n`)

	lines := append(screenLines("$ \x1b[1mhotreload .\x1b[22m\n"), screenLines(s.text())...)
	for i, line := range lines {
		for j := range line {
			lines[i][j].text = strings.ReplaceAll(lines[i][j].text, s.addr, "localhost:8080") // the example's default
		}
	}
	fresh := svg(lines)
	if *update {
		if err := os.WriteFile(picture, []byte(fresh), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	drawn, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	if have, want := textOf(fresh), textOf(string(drawn)); have != want {
		t.Errorf("%s shows another session than this one: go test ./e2e -run Picture -update\nhave %s\nwant %s", picture,
			have, want)
	}
}

// run is text in one style, as on a terminal.
type run struct{ style, text string }

var sgr = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// screenLines returns the lines on a terminal after this output, without the last one if it is empty. It understands
// colours, and lines that hotreload erases and writes again.
func screenLines(output string) [][]run {
	var lines [][]run
	for _, line := range strings.Split(strings.TrimSuffix(output, "\n"), "\n") {
		line = line[strings.LastIndex(line, "\r\x1b[K")+1:]
		lines = append(lines, runs(strings.TrimPrefix(line, "\x1b[K")))
	}
	return lines
}

// runs splits a line by its colours.
func runs(line string) []run {
	names := map[string]string{"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow"}
	var all []run
	on := map[string]bool{}
	add := func(text string) {
		if text == "" {
			return
		}
		var style []string
		for _, code := range []string{"1", "2", "31", "32", "33"} {
			if on[code] {
				style = append(style, names[code])
			}
		}
		all = append(all, run{strings.Join(style, " "), text})
	}
	at := 0
	for _, m := range sgr.FindAllStringSubmatchIndex(line, -1) {
		add(line[at:m[0]])
		at = m[1]
		switch code := line[m[2]:m[3]]; code {
		case "0", "":
			clear(on)
		case "22":
			delete(on, "1")
			delete(on, "2")
		default:
			on[code] = true
		}
	}
	add(line[at:])
	return all
}

// svg draws the lines.
func svg(lines [][]run) string {
	const high, wide, margin = 20, 8.43, 16
	columns := 0
	var body strings.Builder
	for i, line := range lines {
		n := 0
		fmt.Fprintf(&body, `<text x="%d" y="%d">`, margin, margin+high*(i+1)-6)
		for _, r := range line {
			n += utf8.RuneCountInString(r.text)
			if r.style == "" {
				body.WriteString(html.EscapeString(r.text))
			} else {
				fmt.Fprintf(&body, `<tspan class="%s">%s</tspan>`, r.style, html.EscapeString(r.text))
			}
		}
		body.WriteString("</text>\n")
		columns = max(columns, n)
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img">
<title>a session of hotreload on the bundled example, as the terminal shows it</title>
<style>
text { font: 14px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d8dee9; white-space: pre }
.bold { font-weight: bold } .dim { fill: #8792a8 } .red { fill: #ff7b85 } .green { fill: #a3d97e }
.yellow { fill: #f0cf80 }
</style>
<rect width="100%%" height="100%%" rx="8" fill="#1e222b"/>
%s</svg>
`, int(float64(columns)*wide)+2*margin, high*len(lines)+2*margin, body.String())
}

// textOf returns a picture's text without colours, times and dates. A new program's first line and hotreload's line
// about the program arrive on different ways, so their order is not compared.
func textOf(picture string) string {
	var b strings.Builder
	for _, m := range regexp.MustCompile(`<text[^>]*>(.*)</text>`).FindAllStringSubmatch(picture, -1) {
		b.WriteString(html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m[1], "")) + "\n")
	}
	text := regexp.MustCompile(`\d+(\.\d+)? m?s\b`).ReplaceAllString(b.String(), "TIME")
	text = regexp.MustCompile(`\d{4}/\d\d/\d\d \d\d:\d\d:\d\d`).ReplaceAllString(text, "DATE")
	first := regexp.MustCompile(`(?m)^DATE .*\n`)
	programs := first.FindAllString(text, -1)
	return regexp.MustCompile(`(?m)^.* generation \d+ serves`).ReplaceAllStringFunc(first.ReplaceAllString(text, ""),
		func(line string) string {
			if len(programs) == 0 {
				return line
			}
			line, programs = programs[0]+line, programs[1:]
			return line
		}) + strings.Join(programs, "")
}
