package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// git runs git in the project's folder. It skips the test if the project is not in a git checkout.
func git(t *testing.T, args ...string) string {
	t.Helper()
	if text, err := exec.Command("git", "rev-parse", "--is-inside-work-tree").CombinedOutput(); err != nil {
		t.Skipf("git does not know this folder (%v), and it tells the project's files: %s", err, text)
	}
	out, err := exec.Command("git", args...).Output()
	if err != nil {
		t.Fatalf("git %s: %v", args[0], err)
	}
	return string(out)
}

// widest is the largest number of characters in a line of source or prose.
const widest = 120

// TestWidth checks the lines of all Go and Markdown files, except for tables and code blocks in Markdown. The file in
// .ci/wide contains the output of another program: no other file may be added there.
func TestWidth(t *testing.T) {
	list, err := os.ReadFile(filepath.Join(".ci", "wide"))
	if err != nil {
		t.Fatal(err)
	}
	exempt := strings.Fields(string(list))
	for _, path := range strings.Fields(git(t, "ls-files", "*.go", "*.md")) {
		if slices.Contains(exempt, path) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			continue // removed, and not yet committed
		}
		code := false
		for i, line := range strings.Split(string(text), "\n") {
			if filepath.Ext(path) == ".md" {
				code = code != strings.HasPrefix(line, "```")
				if code || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "    ") {
					continue
				}
			}
			if n := utf8.RuneCountInString(line); n > widest {
				t.Errorf("%s:%d has %d columns, want at most %d", path, i+1, n, widest)
			}
		}
	}
}
