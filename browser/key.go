package browser

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hotreload/door"
)

// keyBytes is the length of a key: 128 bits cannot be guessed.
const keyBytes = 16

// Key reads a project's key from a file that only the user can read, and makes a missing file. The key stays the same,
// so open pages find the next hotreload. If the file cannot be used, the key is for this run, and the error tells why.
func Key(path string) (string, error) {
	fresh := make([]byte, keyBytes)
	_, _ = rand.Read(fresh) // never fails
	key := hex.EncodeToString(fresh)
	if path == "" {
		return key, nil
	}
	text, err := os.ReadFile(path)
	if err == nil {
		info, err := os.Stat(path)
		if old := strings.TrimSpace(string(text)); err == nil && door.Secret(info) && isKey(old) {
			return old, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return key, fmt.Errorf("read the key for browsers: %w", err)
	}
	// The file is missing, or contains no key, or other users can access it and may know the key.
	if err := writeKey(path, key); err != nil {
		return key, fmt.Errorf("write the key for browsers: %w", err)
	}
	if text, err = os.ReadFile(path); err == nil && isKey(strings.TrimSpace(string(text))) {
		key = strings.TrimSpace(string(text)) // of another hotreload, if both have just started
	}
	return key, nil
}

func isKey(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == keyBytes
}

// writeKey puts the key in place in one step.
func writeKey(path, key string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(key + "\n")
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
