package watch

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Received returns when the consumer has what Sync has found, and not earlier.
func TestReceived(t *testing.T) {
	dir := t.TempDir()
	w, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Watch(t.Context(), Set{Dirs: []string{dir}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Received(t.Context()); err != nil {
		t.Fatalf("nothing is different: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := w.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := w.Received(soon); err == nil {
		t.Fatal("nobody has received what is different")
	}
	done := make(chan error, 1)
	go func() { done <- w.Received(t.Context()) }() // ends with the test
	for {
		select {
		case <-w.Batches():
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		}
	}
}
