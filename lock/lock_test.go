package lock

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	open := func() *os.File {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return file
	}
	try := func(file *os.File, want bool) {
		t.Helper()
		if held, err := Try(file); err != nil || held != want {
			t.Errorf("held %v, error %v, want %v", held, err, want)
		}
	}
	one, other := open(), open()
	try(one, false)
	try(other, true)
	if _, err := other.WriteString("12"); err != nil {
		t.Errorf("a program without the lock cannot write: %v", err)
	}
	if text, err := os.ReadFile(path); string(text) != "12" {
		t.Errorf("a program without the lock reads %q, %v", text, err)
	}
	one.Close()
	try(other, false)
}
