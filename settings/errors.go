package settings

import (
	"errors"
	"path/filepath"
	"strconv"
)

// UsageError is an error of the user: exit code 2.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// Hinted is an error with a hint, a line that tells what to do.
type Hinted struct {
	Err  error
	Hint string
}

func (e Hinted) Error() string { return e.Err.Error() }
func (e Hinted) Unwrap() error { return e.Err }

// Usage makes a UsageError with a hint.
func Usage(err error, hint string) error { return UsageError{Hinted{err, hint}} }

// Hint adds a hint to an error.
func Hint(err error, hint string) error { return Hinted{err, hint} }

// HintOf returns the hint of an error; "" if there is none.
func HintOf(err error) string {
	var own Hinted
	if errors.As(err, &own) {
		return own.Hint
	}
	return ""
}

// Misplaced is an error in the configuration file.
type Misplaced struct {
	File string // absolute
	Line int    // 0 if the error is about the file as a whole
	Err  error
}

func (e Misplaced) Error() string {
	place := filepath.Base(e.File)
	if e.Line > 0 {
		place += ":" + strconv.Itoa(e.Line)
	}
	return place + ": " + e.Err.Error()
}

func (e Misplaced) Unwrap() error { return e.Err }

// badFlag is an error about a flag's value. The value may come from the configuration file.
type badFlag struct {
	name string
	error
}

func (e badFlag) Unwrap() error { return e.error }
