package gobuild

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// Artifact is what one build made. It never changes. Two artifacts with the same ID are the same binary: there is one
// file, and references to it are counted together.
type Artifact struct {
	ID    string        // content hash, hexadecimal; the same for binaries that differ in nothing that is run
	Path  string        // the binary, absolute
	Took  time.Duration // from the call of Build to its return
	Moved bool          // inputs changed while it was built: build again
	Agent bool          // the agent is linked into it
	Plain string        // why it is not, although Program.Plain did not ask for that: a clause
	Way   string        // how it was built, and if by go, why so: a clause
	Text  string        // what the toolchain said although it succeeded (-v, -x, warnings of a C linker); mostly ""
}

// binary is a file that artifacts name.
type binary struct {
	path string
	refs int
}

// Retain adds a reference to the artifact's binary. The caller has one already, its own or one that is lent to it.
func (b *Builder) Retain(a *Artifact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if kept := b.kept[a.ID]; kept != nil {
		kept.refs++
	}
}

// Release gives one reference back; with the last one the file is removed. On Windows the file of a program that still
// runs stays until Close.
func (b *Builder) Release(a *Artifact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.kept[a.ID]
	if kept == nil {
		return // after Close
	}
	if kept.refs--; kept.refs <= 0 {
		delete(b.kept, a.ID)
		_ = os.RemoveAll(filepath.Dir(kept.path))
	}
}

// latestOf is the path of the binary that the program was last built to, or "" if it is gone.
func (b *Builder) latestOf(program string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if kept := b.kept[b.latest[program]]; kept != nil {
		return kept.path
	}
	return ""
}

// keep takes over the binary that a build wrote at out, and returns an artifact with one reference. If a living binary
// is the same, out is not needed and stays where it is.
func (b *Builder) keep(program, out, name string) (*Artifact, error) {
	id, err := contentID(out)
	if err != nil {
		return nil, fmt.Errorf("read the binary: %w", err)
	}
	return b.keepAs(id, program, out, name)
}

// keepAs is keep for a binary whose ID is known. Without a binary, out being "", there has to be one of that ID.
func (b *Builder) keepAs(id, program, out, name string) (*Artifact, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.kept[id]
	if kept == nil {
		kept = &binary{path: filepath.Join(b.run.dir, "bin", id[:12], name)}
	}
	if _, err := os.Lstat(kept.path); err != nil { // new; or somebody has emptied the cache folder
		if out == "" {
			return nil, errors.New("the last binary is gone")
		}
		if err := os.MkdirAll(filepath.Dir(kept.path), 0o700); err != nil {
			return nil, fmt.Errorf("keep the binary: %w", err)
		}
		if err := os.Rename(out, kept.path); err != nil {
			return nil, fmt.Errorf("keep the binary: %w", err)
		}
	}
	kept.refs++
	b.kept[id] = kept
	b.latest[program] = id
	return &Artifact{ID: id, Path: kept.path}, nil
}

// buildID is the build ID of a linked program: what went into the link and into package main, and the hashes of what
// came out of both. The last is SHA-256 over the binary without the ID itself (buildid.go of the go command). With
// -ldflags=-buildid= there is none.
var buildID = regexp.MustCompile(`[\w-]{20}/[\w-]{20}/[\w-]{20}/([\w-]{20})[^\w/-]`)

// idWithin is how much of a file is searched for its build ID: go too expects it within the first 32 KB.
const idWithin = 64 << 10

// errArchive: go build wrote the archive of a package, because the package is not main.
var errArchive = errors.New("not a program but an archive")

// contentID is the content hash that go has written into the binary, or its SHA-256.
func contentID(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	start := make([]byte, idWithin)
	n, err := io.ReadFull(file, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", err
	}
	if bytes.HasPrefix(start[:n], []byte("!<arch>\n")) {
		return "", errArchive
	}
	if m := buildID.FindSubmatch(start[:n]); m != nil {
		if id, err := base64.RawURLEncoding.DecodeString(string(m[1])); err == nil {
			return hex.EncodeToString(id), nil
		}
	}
	sum := sha256.New()
	sum.Write(start[:n])
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
