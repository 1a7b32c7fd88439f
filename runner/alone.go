package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"hotreload/supervisor"
)

// Only a failed start shows that a program must run alone. So hotreload remembers this result over runs, in one small
// file per program in the cache folder. If a file cannot be read or written, the next failed start shows the same
// again.

// memory is the file for one program.
type memory struct {
	path    string
	program string // for people who read the file
}

// remembered is the content of the file.
type remembered struct {
	Program string            `json:"program"`
	Alone   supervisor.Reason `json:"alone"`
}

// memoryOf returns the file of a service's program, below the cache folder.
func memoryOf(root string, c Config) memory {
	words := append([]string{c.Program.Dir}, c.Program.Args...)
	if c.Command != nil {
		words = append([]string{c.Service.Dir}, c.Command...)
	}
	sum := sha256.Sum256([]byte(strings.Join(append(words, c.Name), "\x00")))
	return memory{filepath.Join(root, "alone", hex.EncodeToString(sum[:12])+".json"), strings.Join(words, " ")}
}

// read returns why the program can only run alone; the zero Reason if no reason was remembered.
func (m memory) read() supervisor.Reason {
	var r remembered
	text, err := os.ReadFile(m.path)
	if err != nil || json.Unmarshal(text, &r) != nil {
		return supervisor.Reason{}
	}
	return r.Alone
}

func (m memory) write(reason supervisor.Reason) {
	text, err := json.Marshal(remembered{m.program, reason})
	if err != nil || os.MkdirAll(filepath.Dir(m.path), 0o700) != nil {
		return
	}
	if os.WriteFile(m.path+".new", text, 0o600) == nil {
		_ = os.Rename(m.path+".new", m.path)
	}
}

func (m memory) forget() { _ = os.Remove(m.path) }

// remember stores the supervisor's finding in the file.
func (l *loop) remember(event supervisor.Event) {
	switch event := event.(type) {
	case supervisor.RunsAlone:
		l.memory.write(event.Reason)
	case supervisor.RunsBeside:
		l.memory.forget()
	}
}
