package gobuild

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"hotreload/gobuild/plan"
)

// source is the state of a file for the compiler when it was last compiled.
type source struct {
	info    os.FileInfo
	racy    bool // written so shortly before the look that a later write could have the same time
	sum     plan.Sum
	code    bool        // Go code that is compiled, not only embedded
	frame   fingerprint // of code: what go reads to choose commands, without imports
	orders  fingerprint // of code: its //go: lines, for compiler, linker and go
	imports []string    // of code
}

// tick is longer than the step of a file system's time stamps (FAT: 2 s).
const tick = 3 * time.Second

var errRestless = errors.New("changes while it is read")

// readSource reads a file, and checks before and after that it is the same file.
func readSource(path string, code bool) (source, error) {
	looked := time.Now()
	info, err := os.Stat(path)
	if err != nil {
		return source{}, err
	}
	s := source{info: info, racy: looked.Sub(info.ModTime()) < tick, code: code}
	if code {
		content, err := os.ReadFile(path)
		if err != nil {
			return source{}, err
		}
		s.sum, s.orders = sha256.Sum256(content), sum(orders(content))
		s.frame, s.imports = goFrame(content)
	} else if s.sum, err = sumOf(path); err != nil {
		return source{}, err
	}
	if !same(info, statOrNil(path)) {
		return source{}, fmt.Errorf("%s %w", path, errRestless)
	}
	return s, nil
}

// sumOf returns the hash of a file that may be large: some programs embed films.
func sumOf(path string) (sum plan.Sum, err error) {
	file, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}

// again looks at the file once more: like is s itself, or the file's new state.
func (s source) again(path string) (like source, changed bool, err error) {
	if info := statOrNil(path); same(s.info, info) && !s.racy {
		return s, false, nil
	}
	now, err := readSource(path, s.code)
	if err != nil {
		return s, true, err
	}
	return now, now.sum != s.sum, nil
}

// orders returns the lines of a Go file with instructions for the toolchain.
func orders(content []byte) []byte {
	var found []byte
	for line := range bytes.Lines(content) {
		if line = bytes.TrimSpace(line); bytes.HasPrefix(line, []byte("//go:")) ||
			bytes.HasPrefix(line, []byte("//export ")) {
			found = append(append(found, line...), '\n')
		}
	}
	return found
}
