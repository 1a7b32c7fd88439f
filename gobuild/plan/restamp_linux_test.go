package plan

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// TestRestampedProgramStarts starts a program right after it got another ID, while other processes start, too. A child
// that inherits the open file would make the start fail: "text file busy".
func TestRestampedProgramStarts(t *testing.T) {
	original, err := exec.LookPath("true")
	if err != nil {
		t.Skip(err)
	}
	program := filepath.Join(t.TempDir(), "program")
	data, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, data, 0o700); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var others sync.WaitGroup
	for range 4 {
		others.Go(func() { // ends with done
			for {
				select {
				case <-done:
					return
				default:
					_ = exec.Command(original).Run()
				}
			}
		})
	}
	defer others.Wait()
	defer close(done)
	for range 300 {
		if err := Restamp(program, NewID()); err != nil {
			t.Fatal(err)
		}
		if err := exec.Command(program).Run(); err != nil {
			t.Fatal(err)
		}
	}
}
