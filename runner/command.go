package runner

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"hotreload/gobuild"
)

// findCommand returns the artifact of a service with a command: the file named by the command. A changed file is
// another artifact.
func findCommand(dir, name string) (*gobuild.Artifact, error) {
	path := name
	if strings.ContainsRune(name, filepath.Separator) || strings.Contains(name, "/") {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
	}
	path, err := exec.LookPath(path)
	if err != nil {
		return nil, &CommandError{Name: name, Err: err}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, &CommandError{Name: name, Err: err}
	}
	return &gobuild.Artifact{ID: fmt.Sprintf("%s %d %d", path, info.ModTime().UnixNano(), info.Size()), Path: path}, nil
}

// CommandError means that a service's command cannot be run.
type CommandError struct {
	Name string
	Err  error
}

func (e *CommandError) Error() string {
	var why error = e.Err
	if inner, ok := e.Err.(*exec.Error); ok {
		why = inner.Err
	}
	return fmt.Sprintf("%s: %v", e.Name, why)
}

func (e *CommandError) Unwrap() error { return e.Err }
