package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The README is for a first visit.
func TestReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(string(text))); n >= 1000 {
		t.Errorf("README.md has %d words, want fewer than 1,000", n)
	}
}

// TestLinks follows the links between the pages: each file and each heading must exist.
func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	recipes, err := filepath.Glob("docs/recipes/*.md")
	if err != nil || len(recipes) == 0 {
		t.Fatal("docs/recipes has no pages: ", err)
	}
	pages = append(pages, recipes...)
	link := regexp.MustCompile(`\]\(([^)\s]+)\)|(?m)^\[[^\]]+\]: (\S+)$`)
	checked, known := 0, map[string]map[string]bool{}
	for _, page := range append(pages, "README.md", "CONTRIBUTING.md", "CHANGELOG.md") {
		for _, m := range link.FindAllStringSubmatch(prose(t, page), -1) {
			target := m[1] + m[2]
			if strings.Contains(target, "://") {
				continue
			}
			checked++
			file, heading, _ := strings.Cut(target, "#")
			if file = filepath.Join(filepath.Dir(page), file); strings.HasPrefix(target, "#") {
				file = page
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s: there is no such file", page, target)
				continue
			}
			if heading != "" && known[file] == nil {
				known[file] = headings(t, file)
			}
			if heading != "" && !known[file][heading] {
				t.Errorf("%s links to %s: there is no such heading", page, target)
			}
		}
	}
	if checked < 50 {
		t.Errorf("%d links were found, want more", checked)
	}
}

// prose returns a page without its code blocks.
func prose(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(string(text), "")
}

// headings returns the anchors of a page's headings, made by GitHub's rule: lower case, hyphens for spaces, no other
// punctuation, and a number if a heading is there again.
func headings(t *testing.T, page string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	times := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(prose(t, page), -1) {
		words := regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		anchor := strings.ReplaceAll(words, " ", "-")
		all[anchor] = true
		if n := times[anchor]; n > 0 {
			all[fmt.Sprint(anchor, "-", n)] = true
		}
		times[anchor]++
	}
	return all
}

// TestVariables: each environment variable of hotreload and its tests is described in CONTRIBUTING.md, the reference or
// the page about package worker. HOTRELOAD_ADDR_NAME is there with an example.
func TestVariables(t *testing.T) {
	names := git(t, "grep", "-hoE", `HOTRELOAD_[A-Z_]*[A-Z]`, "--", "*.go", ".ci")
	var described strings.Builder
	for _, page := range []string{"CONTRIBUTING.md", "docs/reference.md", "docs/worker.md"} {
		described.WriteString(prose(t, page))
	}
	text := regexp.MustCompile(`HOTRELOAD_[A-Z_]*[A-Z]`).FindAllString(described.String(), -1)
	for _, name := range strings.Fields(names) {
		if !slices.Contains(text, name) && !strings.HasPrefix(name, "HOTRELOAD_ADDR") {
			t.Errorf("%s is not described in CONTRIBUTING.md, docs/reference.md or docs/worker.md", name)
			text = append(text, name)
		}
	}
}

// TestNamedFiles: the files and folders that the pages for contributors name are there.
func TestNamedFiles(t *testing.T) {
	named := regexp.MustCompile("`([a-z0-9_]+(?:/[a-z0-9_]+)*(?:/|\\.go|\\.md|\\.svg))`")
	checked := 0
	for _, page := range []string{"CONTRIBUTING.md", "docs/architecture.md"} {
		for _, m := range named.FindAllStringSubmatch(prose(t, page), -1) {
			checked++
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
	}
	if checked < 20 {
		t.Errorf("%d names of files were found, want more", checked)
	}
}
