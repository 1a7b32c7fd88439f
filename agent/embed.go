package agent

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed protocol/*.go core/*.go hooks/*.go web/*.go webhooks/*.go
var sources embed.FS

// ImportRoot is the import path below which the packages in Sources import each other. A build under another path
// must replace ImportRoot.
const ImportRoot = "hotreload/agent/"

// Packages of the agent, as folders in Sources: first the package for a program to import, then its imports.
var (
	Plain = []string{"hooks", "core", "protocol"}
	Web   = []string{"webhooks", "web", "hooks", "core", "protocol"} // for programs that use net/http
)

// Source is one file of the agent.
type Source struct {
	Package string // folder, as in Plain and Web
	Name    string // of the file
	Text    string
}

// Sources lists the files of these packages, without tests.
func Sources(packages []string) []Source {
	var all []Source
	for _, dir := range packages {
		entries, err := fs.ReadDir(sources, dir)
		if err != nil {
			panic(err) // missing in this binary
		}
		for _, entry := range entries {
			name := entry.Name()
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := fs.ReadFile(sources, dir+"/"+name)
			if err != nil {
				panic(err)
			}
			all = append(all, Source{dir, name, string(text)})
		}
	}
	return all
}
