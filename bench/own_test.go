//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Each copy of a program gets its own address in its Go files, and in no other files.
func TestMoveTo(t *testing.T) {
	dir := t.TempDir()
	const source = `package main

func main() { listen(":8080"); listen(":80800") }
`
	files := map[string]string{
		"main.go":      strings.Replace(source, `":8080"`, `"127.0.0.1:1"`, 1),
		"cmd/main.go":  strings.Replace(source, `":8080"`, `"127.0.0.1:1"`, 1),
		"config.toml":  source,
		"other/has.go": "package other\n",
	}
	for name, want := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		content := strings.Replace(want, `"127.0.0.1:1"`, `":8080"`, 1)
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := moveTo("127.0.0.1:1", ":8080", dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if have, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(have) != want {
			t.Errorf("%s: have %q, %v, want %q", name, have, err, want)
		}
	}
}

// Ratios and medians cover the rounds in which the new code served. Other rounds are counted separately.
func TestBesideAir(t *testing.T) {
	air := &contender{name: "air", times: []time.Duration{400, 0, 1000}, requests: 30, failed: 2, unserved: 1}
	ours := &contender{name: "hotreload", times: []time.Duration{100, 100, 500}, requests: 20}
	for _, c := range []*contender{air, ours} {
		for i := range c.times {
			c.times[i] *= time.Millisecond
		}
	}
	have := besideAir([]*contender{ours, air}, 3)
	for _, want := range []string{
		"| hotreload | 100 ms | 100 ms | 500 ms | 0.50 | 20 | 0 | 0 |", // 0.25 and 0.5
		"| air | 1000 ms | 400 ms | 1000 ms | 1.00 | 30 | 2 | 1 |",
	} {
		if !strings.Contains(have, want) {
			t.Errorf("have:%s\nwant: %s", have, want)
		}
	}
}
