// Package editors contains what editors and coding agents need to work with hotreload, as texts of files: tasks, run
// configurations, a script, a paragraph.
//
// # Theory of operation
//
// The texts are files below files/, written for a hotreload without arguments and for a debugger at its usual address;
// Files replaces both by the user's. The package reads and writes no other file. To add an editor, add a row to all,
// and its files.
package editors

import (
	"embed"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net"
	"path"
	"strings"
)

// Editor is an editor, or something else that works with hotreload.
type Editor struct {
	Name  string
	Title string
	Next  string // the next step for the user
	files []file
}

// File is one file: its path relative to the project's folder, with slashes, and its text.
type File struct{ Path, Text string }

// Start is how the editor starts hotreload, and reaches its debugger.
type Start struct {
	Args     []string // hotreload's arguments: flags, a package, and the program's arguments
	Debugger string   // HOST:PORT
}

type file struct {
	path string
	put  func(Start) (old, new string) // the part of the text to replace; nil: none
}

//go:embed files
var texts embed.FS

// all are the editors, by name.
var all = []Editor{
	{Name: "vscode", Title: "Visual Studio Code",
		files: []file{{".vscode/tasks.json", jsonList}, {".vscode/launch.json", jsonAddress}},
		Next:  "run the task hotreload (Ctrl+Shift+B); " + toDebug + "F5"},
	{Name: "neovim", Title: "Neovim", files: []file{{"lua/hotreload.lua", luaAddress}},
		Next: "move the file to lua/ in your configuration folder (~/.config/nvim), and add require('hotreload') to " +
			"init.lua; " + toDebug + ":DapContinue (nvim-dap)"},
	{Name: "jetbrains", Title: "GoLand and IntelliJ IDEA",
		files: []file{{".run/hotreload.run.xml", xmlWords}, {".run/debugger.run.xml", xmlAddress}},
		Next: "choose hotreload in the list of run configurations; " + toDebug + "debug the configuration hotreload " +
			"debugger (GoLand)"},
	{Name: "zed", Title: "Zed", files: []file{{".zed/tasks.json", jsonList}, {".zed/debug.json", jsonAddress}},
		Next: "run the task hotreload (task: spawn); " + toDebug + "F4 (debugger: start)"},
	{Name: "agents", Title: "coding agents", files: []file{{"AGENTS.md", nil}},
		Next: "keep the paragraph in the file that your agent reads: AGENTS.md, CLAUDE.md, …"},
}

// toDebug goes before the key that starts the editor's debugger.
const toDebug = "to debug, press d in hotreload's terminal (or start it with --debugger), then "

// All lists the editors.
func All() []Editor { return all }

// Files are the files for an editor.
func (e Editor) Files(start Start) ([]File, error) {
	var made []File
	for _, f := range e.files {
		text, err := texts.ReadFile(path.Join("files", e.Name, path.Base(f.path)))
		if err != nil {
			return nil, err
		}
		now := string(text)
		if f.put != nil {
			before, after := f.put(start)
			if !strings.Contains(now, before) {
				return nil, fmt.Errorf("%s has no place for what starts hotreload", f.path)
			}
			now = strings.Replace(now, before, after, 1)
		}
		made = append(made, File{f.path, now})
	}
	return made, nil
}

// usual is the debugger's address in the texts.
const usual = "127.0.0.1:2345"

// jsonAddress writes the debugger's address in a JSON file.
func jsonAddress(start Start) (before, after string) {
	return inJSON(usual), inJSON(start.Debugger)
}

func inJSON(address string) string {
	host, port, _ := net.SplitHostPort(address)
	return fmt.Sprintf(`"host": %q, "port": %s`, host, port)
}

// luaAddress formats an address for a Lua script.
func luaAddress(start Start) (before, after string) {
	return inLua(usual), inLua(start.Debugger)
}

func inLua(address string) string {
	host, port, _ := net.SplitHostPort(address)
	return fmt.Sprintf("host = '%s', port = %s", host, port)
}

// xmlAddress writes it in attributes of an XML file.
func xmlAddress(start Start) (before, after string) {
	return inXML(usual), inXML(start.Debugger)
}

func inXML(address string) string {
	host, port, _ := net.SplitHostPort(address)
	return fmt.Sprintf(`host="%s" port="%s"`, host, port)
}

// jsonList writes the arguments of the first command in a JSON file.
func jsonList(start Start) (before, after string) {
	words := make([]string, len(start.Args))
	for i, arg := range start.Args {
		var word strings.Builder
		encoder := json.NewEncoder(&word)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(arg) // a text always can be
		words[i] = strings.TrimSpace(word.String())
	}
	return `"args": []`, `"args": [` + strings.Join(words, ", ") + `]`
}

// xmlWords writes them as words of a shell, in an attribute.
func xmlWords(start Start) (before, after string) {
	words := "hotreload"
	for _, arg := range start.Args {
		words += " " + quoted(arg)
	}
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(words)) // a Builder always can
	return `value="hotreload"`, `value="` + escaped.String() + `"`
}

// plain are the characters that mean nothing to a shell.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@,+%"

func quoted(word string) string {
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
