package gobuild

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hotreload/process"
)

// oldestGo is the oldest supported minor version of Go: since 1.21, go fetches the toolchain that a module asks for.
const oldestGo = 21

// toolchain is the go command in one program's environment.
type toolchain struct {
	path string
	dir  string
	env  []string
	idle bool // its processes give way to everything else on the machine
}

func (p Program) toolchain() (*toolchain, error) {
	info, err := os.Stat(p.Dir)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "stat", Path: p.Dir, Err: errors.New("not a folder")}
	}
	if err != nil {
		return nil, &Error{Problem: NoFolder, Text: "no such folder: " + p.Dir, Err: err}
	}
	env := p.env()
	path, err := lookUp(env)
	if err != nil {
		return nil, &Error{Problem: NoGo, Text: "the go command is not in PATH", Err: err,
			Hint: "install Go (https://go.dev/dl) or add its bin folder to PATH"}
	}
	// Through PWD go learns the user's name of the folder, if symbolic links give it several.
	env = append(slices.Clip(slices.Clone(env)), "PWD="+p.Dir)
	return &toolchain{path: path, dir: p.Dir, env: env}, nil
}

// lookUp finds go in the PATH of env, which may differ from hotreload's own.
func lookUp(env []string) (string, error) {
	for _, dir := range filepath.SplitList(getenv(env, "PATH")) {
		if !filepath.IsAbs(dir) {
			continue // like os/exec, which does not run programs from the current folder
		}
		if path, err := exec.LookPath(filepath.Join(dir, "go")); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

// getenv returns the value of key in env. The last one counts; a key in another case (Windows: Path) only if there is
// no exact one.
func getenv(env []string, key string) string {
	exact, folded := "", ""
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case name == key:
			exact = value
		case strings.EqualFold(name, key):
			folded = value
		}
	}
	if exact == "" {
		return folded
	}
	return exact
}

// said is the output of a go command and how the command ended.
type said struct {
	out  []byte
	text string // standard error
	exit process.Exit
}

// run runs go and waits. If ctx ends first, go and everything that it started are killed, and have ended when run
// returns ctx's error. A failed command is not an error of run.
func (t *toolchain) run(ctx context.Context, env []string, args ...string) (said, error) {
	return t.runTool(ctx, t.dir, env, t.path, args...)
}

// runTool is run for any tool of the toolchain, in any folder.
func (t *toolchain) runTool(ctx context.Context, dir string, env []string, path string, args ...string) (said, error) {
	if err := ctx.Err(); err != nil {
		return said{}, err
	}
	var out, text bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &text
	cmd.Env = append(slices.Clip(t.env), env...)
	p, err := process.Start(cmd)
	if err != nil {
		return said{}, fmt.Errorf("start %s: %w", filepath.Base(path), err)
	}
	if t.idle {
		p.GiveWay()
	}
	if err := p.Await(ctx); err != nil {
		return said{}, err
	}
	return said{out: out.Bytes(), text: text.String(), exit: p.Exit()}, nil
}

// settings are the answers of `go env` that matter here: environment, the user's go env -w and defaults together.
type settings struct {
	GOMOD, GOWORK, GOFLAGS, GOOS, GOEXE, GOVERSION, GOROOT, GOMODCACHE, GOTMPDIR, GOARCH string
}

func (t *toolchain) settings(ctx context.Context) (settings, error) {
	var s settings
	got, err := t.run(ctx, nil, "env", "-json",
		"GOMOD", "GOWORK", "GOFLAGS", "GOOS", "GOEXE", "GOVERSION", "GOROOT", "GOMODCACHE", "GOTMPDIR",
		"GOARCH")
	if err != nil {
		return s, err
	}
	if !got.exit.Success() {
		return s, problemOf(Program{Dir: t.dir}, "go env", got.text)
	}
	if err := json.Unmarshal(got.out, &s); err != nil {
		return s, fmt.Errorf("read the answer of go env: %w", err)
	}
	if s.GOMOD == os.DevNull {
		s.GOMOD = ""
	}
	if s.GOWORK == "off" {
		s.GOWORK = ""
	}
	if minor := minorOf(s.GOVERSION); minor >= 0 && minor < oldestGo {
		return s, &Error{Problem: GoTooOld, Text: fmt.Sprintf("%s is too old; hotreload needs Go 1.%d or newer",
			s.GOVERSION, oldestGo),
			Hint: "install a newer Go: https://go.dev/dl"}
	}
	return s, nil
}

// minorOf returns 26 for "go1.26.8", or -1 for a version without a number (a development version).
func minorOf(version string) int {
	rest, ok := strings.CutPrefix(version, "go1.")
	if !ok {
		return -1
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		rest = rest[:end]
	}
	n, err := strconv.Atoi(rest)
	if err != nil {
		return -1
	}
	return n
}
