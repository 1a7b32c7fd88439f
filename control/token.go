package control

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hotreload/door"
)

// A token is 32 random bytes in hexadecimal, in a file that only its owner can read. It is never an argument or a
// variable, because other users could see these.

const tokenBytes = 32

// readToken reads a token. If the file is missing and make is true, it creates the file.
func readToken(path string, make bool) (string, error) {
	if make {
		if err := makeToken(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("make a token: %w", err)
		}
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	if !info.Mode().IsRegular() || !door.Secret(info) {
		return "", fmt.Errorf("%s must be your own file, readable by nobody else: chmod 600 it, "+
			"or remove it for a new one", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if raw, err := hex.DecodeString(token); err != nil || len(raw) < tokenBytes {
		return "", fmt.Errorf("%s does not contain a token (%d random bytes in hexadecimal): remove the file to get a new "+
			"one",
			path, tokenBytes)
	}
	return token, nil
}

// makeToken writes a new token to a file that must not exist.
func makeToken(path string) error {
	raw := make([]byte, tokenBytes)
	if _, err := rand.Read(raw); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(hex.EncodeToString(raw) + "\n")
	return errors.Join(err, file.Close())
}

// matches compares tokens in constant time.
func matches(token, given string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(given)) == 1
}
