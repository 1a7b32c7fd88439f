package browser

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotreload/process"
)

// editors are the editors that Editor looks for, in this order. Each has a window of its own, because hotreload uses
// the terminal.
var editors = []struct {
	name string
	args []string
}{
	{"code", []string{"-g", "{file}:{line}:{col}"}},
	{"cursor", []string{"-g", "{file}:{line}:{col}"}},
	{"windsurf", []string{"-g", "{file}:{line}:{col}"}},
	{"codium", []string{"-g", "{file}:{line}:{col}"}},
	{"zed", []string{"{file}:{line}:{col}"}},
	{"zeditor", []string{"{file}:{line}:{col}"}},
	{"subl", []string{"{file}:{line}:{col}"}},
	{"goland", []string{"--line", "{line}", "--column", "{col}", "{file}"}},
	{"idea", []string{"--line", "{line}", "--column", "{col}", "{file}"}},
	{"kate", []string{"--line", "{line}", "--column", "{col}", "{file}"}},
	{"gvim", []string{"+{line}", "{file}"}},
}

// Editor finds the command of an editor: the editor whose terminal hotreload runs in, else the first installed one; nil
// if there is none.
func Editor(getenv func(string) string, find func(name string) bool) []string {
	inside := ""
	switch {
	case getenv("TERM_PROGRAM") == "vscode" && getenv("CURSOR_TRACE_ID") != "":
		inside = "cursor"
	case getenv("TERM_PROGRAM") == "vscode":
		inside = "code"
	case getenv("ZED_TERM") != "":
		inside = "zed"
	case strings.HasPrefix(getenv("TERMINAL_EMULATOR"), "JetBrains"):
		inside = "goland"
	}
	for _, first := range []bool{true, false} {
		for _, e := range editors {
			if (e.name == inside || !first) && find(e.name) {
				return append([]string{e.name}, e.args...)
			}
		}
	}
	return nil
}

// filled puts a place into an editor's command. Each word stays one word, also for a file name with spaces.
func filled(command []string, file string, line, col int) []string {
	words := strings.NewReplacer("{file}", file, "{line}", strconv.Itoa(max(line, 1)), "{col}", strconv.Itoa(max(col, 1)))
	named := false
	var all []string
	for _, word := range command {
		named = named || strings.Contains(word, "{file}")
		all = append(all, words.Replace(word))
	}
	if !named {
		all = append(all, file)
	}
	return all
}

// open opens a file of the build in the user's editor.
func (p *Pages) open(w http.ResponseWriter, r *asked) {
	var place struct {
		File      string
		Line, Col int
	}
	if !readJSON(w, r, &place) {
		return
	}
	command := p.settings.Load().EditorCommand
	if len(command) == 0 {
		http.Error(w, "hotreload: no editor was found; [browser] editor in hotreload.toml names one",
			http.StatusNotImplemented)
		return
	}
	file := filepath.Clean(filepath.FromSlash(place.File))
	info, err := os.Stat(file)
	if !filepath.IsAbs(file) || err != nil || !info.Mode().IsRegular() || !p.inBuild(r.Context(), file) {
		http.Error(w, "hotreload: this file does not belong to the build", http.StatusForbidden)
		return
	}
	words := filled(command, file, place.Line, place.Col)
	if err := p.start(words); err != nil {
		http.Error(w, "hotreload: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// start runs an editor's command, without a shell.
func (p *Pages) start(words []string) error {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Env = p.config.Dir, p.config.env
	return process.Release(cmd)
}

// inBuildTimeout limits the wait for a service that does not know its files yet.
const inBuildTimeout = 2 * time.Second

// inBuild reports whether a file belongs to the build. A file in a message of the toolchain belongs to the build, also
// if the build is too broken to be known; so does a file in a message of a failing test.
func (p *Pages) inBuild(ctx context.Context, file string) bool {
	ctx, cancel := context.WithTimeout(ctx, inBuildTimeout)
	defer cancel()
	if o, ok := p.look(ctx); ok {
		for _, s := range o.States {
			var named []Diagnostic
			if s.Problem != nil {
				named = s.Problem.Diagnostics
			}
			if s.Tests != nil {
				named = slices.Concat(named, s.Tests.Diagnostics)
			}
			if slices.ContainsFunc(named, func(d Diagnostic) bool { return d.File == file }) {
				return true
			}
		}
	}
	return p.config.InBuild != nil && p.config.InBuild(ctx, file)
}
