//go:build unix

package e2e

import (
	"strings"
	"testing"
)

// TestClear: with clear, the terminal is cleared before each reload, and earlier lines scroll away. Without clear, or
// without a terminal, nothing is cleared.
func TestClear(t *testing.T) {
	t.Parallel()
	const away = "\n\x1b[H\x1b[J"
	files := map[string]string{"hotreload.toml": "clear = true\n"}
	s := setup{terminal: true}.start(t, newModule(t, files), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	if s.count(`\x1b\[H\x1b\[J`) > 0 {
		t.Error("the screen is cleared at the start")
	}
	s.save("version.go", version("v2", ""))
	s.waitFor(`\n{23}\x1b\[H\x1b\[J(.|\n)*generation 2 serves`) // the terminal has 24 rows
	s.save("version.go", "package main\n\nbroken\n")
	s.waitFor(`\n{23}\x1b\[H\x1b\[J(.|\n)*build failed`)
	s.save("hotreload.toml", "")
	s.waitFor(`hotreload.toml: in effect`)
	s.save("version.go", version("v3", ""))
	s.waitFor(`generation 3 serves`)
	if n := strings.Count(s.text(), away); n != 2 {
		t.Errorf("the screen was cleared %d times, want twice", n)
	}
	plain := start(t, newModule(t, files), ".", "{addr}")
	plain.waitFor(`generation 1 serves`)
	plain.save("version.go", version("v2", ""))
	plain.waitFor(`generation 2 serves`)
	if strings.Contains(plain.text(), "\x1b") {
		t.Error("without a terminal there are control sequences")
	}
}
