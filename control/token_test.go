package control

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "token")
	if _, err := readToken(path, false); err == nil {
		t.Error("no error for a missing token")
	}
	token, err := readToken(path, true)
	if err != nil || len(token) != 2*tokenBytes {
		t.Fatalf("%q, %v", token, err)
	}
	for _, make := range []bool{true, false} {
		if again, err := readToken(path, make); err != nil || again != token {
			t.Errorf("the second time it is %q, %v", again, err)
		}
	}
	other, err := readToken(filepath.Join(t.TempDir(), "token"), true)
	if err != nil || other == token || matches(token, other) || !matches(token, token) || matches(token, "") ||
		matches(token, token[1:]) {
		t.Errorf("another token is %q, %v", other, err)
	}
	bad := func(says string, change func() error) {
		t.Helper()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if _, err := readToken(path, true); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("have %v, want %q", err, says)
		}
	}
	if runtime.GOOS != "windows" {
		bad("readable by nobody else", func() error { return os.Chmod(path, 0o640) })
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bad("does not contain a token", func() error { return os.WriteFile(path, []byte("secret\n"), 0o600) })
	bad("does not contain a token", func() error { return os.WriteFile(path, []byte(token[2:]), 0o600) })
	if runtime.GOOS != "windows" {
		bad("readable by nobody else", func() error {
			_ = os.Rename(path, path+"2")
			return os.Symlink(path+"2", path)
		})
	}
}
