package linked

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed protocol/*.go agent/*.go hooks/*.go web/*.go webhooks/*.go
var sources embed.FS

// ImportRoot is the import path below which the packages in Sources import each other. Where they are compiled under
// another path it has to be replaced.
const ImportRoot = "hotreload/worker/linked/"

// Packages of the agent, as folders in Sources: what a program must import, and what that imports.
var (
	Plain = []string{"hooks", "agent", "protocol"}
	Web   = []string{"webhooks", "web", "hooks", "agent", "protocol"} // for programs that use net/http
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
			panic(err) // it is not in this binary
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
