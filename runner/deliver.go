package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hotreload/gobuild"
)

// A service with BuildOnly is delivered instead of started: its generation is the file at the user's path or, without a
// path, the knowledge that the code compiles.

// deliveries are the copies to the user's path, one after the other.
type deliveries struct {
	ended   <-chan struct{} // closed when the newest delivery has ended; nil before the first
	results chan delivery
}

// delivery is the outcome for a generation that is only built.
type delivery struct {
	*generation
	err error
}

// deliver copies a generation to the user's path, after the previous generation.
func (l *loop) deliver(a replace) {
	d := delivery{generation: l.programs.begin(a.generation, a.artifact, l.causes.effects, l.causes.began, time.Now())}
	l.causes.conclude()
	l.emit(d.cause)
	deliveries := &l.programs.deliveries
	previous, done := deliveries.ended, make(chan struct{})
	deliveries.ended = done
	output, results := l.config.Output, deliveries.results
	go func() { // ends with the copy, or with the run
		defer close(done)
		if previous != nil {
			<-previous
		}
		if output != "" {
			d.err = copyTo(output, d.artifact)
		}
		select {
		case results <- d:
		case <-l.ctx.Done():
		}
	}()
}

// delivered takes the outcome of a delivery.
func (l *loop) delivered(d delivery) {
	number, now := d.cause.Generation, time.Now()
	l.programs.end(number)
	if d.err != nil {
		l.crew.words, l.standing.failed = d.err.Error(), problemsOf(d.err)
		l.emit(BuildFailed{
			Err: d.err, Took: now.Sub(d.ordered), Serving: l.crew.serving, Problems: l.standing.failed,
		})
		l.input(died{number})
		return
	}
	l.crew.delivers(number, now)
	l.proves()
	l.raise()
	l.input(served{generation: number, artifact: d.artifact.ID})
	l.emit(d.reloaded(now))
}

// copyTo puts a copy of the binary at path, in one step: readers see either the old file or the new one. A C header
// created by go is copied, too.
func copyTo(path string, built *gobuild.Artifact) error {
	if err := copyFile(path, built.Path); err != nil {
		return fmt.Errorf("write the result of the build to %s: %w", path, err)
	}
	if err := copyFile(gobuild.HeaderOf(path), built.Header()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write the header to %s: %w", path, err)
	}
	return nil
}

func copyFile(path, from string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	copied, err := os.CreateTemp(filepath.Dir(path), ".hotreload-*")
	if err != nil {
		return err
	}
	defer func() {
		copied.Close()
		if err != nil {
			_ = os.Remove(copied.Name())
		}
	}()
	if _, err = io.Copy(copied, source); err != nil {
		return err
	}
	if err = copied.Chmod(info.Mode().Perm() | 0o644); err != nil {
		return err
	}
	if err = copied.Close(); err != nil {
		return err
	}
	return os.Rename(copied.Name(), path)
}
