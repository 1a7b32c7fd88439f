//go:build unix

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestEffects measures the time from save to effect for each kind of file in the bundled example, and compares kinds
// and classes with the README's table. HOTRELOAD_TABLE=1 go test -run Effects -v ./e2e prints the table.
func TestEffects(t *testing.T) {
	t.Parallel()
	rounds := 1
	if os.Getenv("HOTRELOAD_TABLE") != "" {
		rounds = 11
	}
	dir := copyOf(t, "testdata/hello")
	save(t, filepath.Join(dir, "go.mod"), "module example.com/hello\n\ngo 1.25\n")
	s := start(t, dir, "-v", ".", "-addr", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.get("/motto")
	s.get("/static/style.css")
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		file, kind, class, happens string
		content                    func(i int) string
	}{
		{"greeting.go", "Go", "rebuild", "build, then replace", func(i int) string {
			return fmt.Sprintf("package main\n\nfunc greeting(string) string { return \"%d\" }\n", i)
		}},
		{"banner.txt", "embedded", "rebuild", "build, then replace", func(i int) string { return fmt.Sprint(i) }},
		{"templates/page.html", "template read at the start", "restart", "replace, with the same program",
			func(i int) string { return fmt.Sprint(i) }},
		{"config.json", "settings read at the start", "restart", "replace, with the same program",
			func(i int) string { return fmt.Sprintf(`{"Title": "%d"}`, i) }},
		{"motto.txt", "read at each request", "live", "nothing, it is in effect",
			func(i int) string { return fmt.Sprint(i) }},
		{"static/style.css", "static file", "live", "nothing, it is in effect", func(i int) string { return fmt.Sprint(i) }},
		{"greeting_test.go", "test", "none", "nothing", func(i int) string {
			return fmt.Sprintf("package main\n\n// %d\n", i)
		}},
	}
	times := map[string][]time.Duration{}
	for i := range rounds { // in turns: nothing is learned from a file that changes all the time
		for _, c := range cases {
			began := time.Now()
			s.save(c.file, c.content(i))
			said := s.waitFor(regexp.QuoteMeta(filepath.FromSlash(c.file)) + ` (?:created|written) → (\w+): `)
			if said[1] != c.class {
				t.Fatalf("%s is %s, want %s", c.file, said[1], c.class)
			}
			took := time.Since(began)
			if c.class == "rebuild" || c.class == "restart" {
				said := s.waitFor(`generation \d+ serves: .* · ([\d.]+) (ms|s) after the save`)
				number, err := strconv.ParseFloat(said[1], 64)
				if err != nil {
					t.Fatal(err)
				}
				unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second}[said[2]]
				took = time.Duration(number * float64(unit))
			}
			times[c.file] = append(times[c.file], took)
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "\n| in `testdata/hello` | class | what happens | from save to effect |\n"+
		"| --- | --- | --- | --- |\n")
	for _, c := range cases {
		row := fmt.Sprintf("| `%s`: %s | `%s` | %s |", c.file, c.kind, c.class, c.happens)
		if !strings.Contains(string(readme), row) {
			t.Errorf("the README's table has no row\n%s", row)
		}
		slices.Sort(times[c.file])
		fmt.Fprintf(&table, "%s %d ms |\n", row, times[c.file][rounds/2].Milliseconds())
	}
	t.Log(table.String())
}
