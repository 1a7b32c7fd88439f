package gobuild

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Artifact is the result of a build. It never changes. Two artifacts with the same ID are the same binary: they share
// one file and one count of references.
type Artifact struct {
	ID    string        // content hash, hexadecimal; the same for binaries that run identically
	Path  string        // the binary, absolute, for starting it
	Dir   string        // a folder with only the binary, under its name
	Took  time.Duration // from the call of Build to its return
	Steps Steps         // parts of Took, of a fast build
	Moved bool          // inputs changed during the build: build again
	Agent bool          // the agent is linked in
	Plain string        // why the agent is missing, without Program.Plain: a clause
	Way   string        // the way of the build, and the reason if by go: a clause
	Text  string        // the toolchain's output in spite of success (-v, -x, warnings of a C linker); mostly ""

	linked string // ID of what was built; another one than ID if a patched binary is confirmed to be the same
}

// Steps are the durations of a fast build's parts, done one after the other; 0 if a part was not done, or is unknown:
// go build mixes the parts.
type Steps struct{ Compile, Link time.Duration }

// binary is a file of one or more artifacts.
type binary struct {
	path string // in the program's home
	name string // in a folder of its own
	refs int
}

// Retain adds a reference to the artifact's binary. The caller must already have one, its own or a borrowed one.
func (b *Builder) Retain(a *Artifact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if kept := b.kept[a.ID]; kept != nil {
		kept.refs++
	}
}

// Release returns a reference; the last one removes the file. On Windows the file of a running program stays until
// Close.
func (b *Builder) Release(a *Artifact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.kept[a.ID]
	if kept == nil {
		return // after Close
	}
	if kept.refs--; kept.refs <= 0 {
		delete(b.kept, a.ID)
		maps.DeleteFunc(b.same, func(_, patched string) bool { return patched == a.ID })
		_ = os.RemoveAll(filepath.Dir(kept.name))
		leaveHome(kept.path)
	}
}

// latestOf returns the path of the program's last binary in home, or "" if the binary is gone.
func (b *Builder) latestOf(program, home string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.homes[program] = home
	if kept := b.kept[b.latest[program]]; kept != nil {
		return kept.path
	}
	return ""
}

// keep takes a build's binary at out, and returns an artifact with one reference. If a living binary is identical, out
// stays where it is.
func (b *Builder) keep(program, out, name string) (*Artifact, error) {
	id, err := contentID(out)
	if errors.Is(err, os.ErrNotExist) {
		err = errNothing
	}
	if err != nil {
		return nil, fmt.Errorf("read the binary: %w", err)
	}
	return b.keepAs(id, program, out, name)
}

// keepAs is keep for a known ID. If out is "", a binary with this ID must exist.
func (b *Builder) keepAs(id, program, out, name string) (*Artifact, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	linked := id
	id = cmp.Or(b.same[id], id)
	kept := b.kept[id]
	if kept == nil {
		kept = &binary{name: filepath.Join(b.run.dir, "bin", id[:12], name)}
		kept.path = b.pathOf(program, id, kept.name)
	}
	if _, err := os.Stat(kept.name); err != nil { // new; or the cache folder was emptied
		if out == "" {
			return nil, errors.New("the last binary is gone")
		}
		if err := settle(out, kept.path, kept.name); err != nil {
			return nil, fmt.Errorf("keep the binary: %w", err)
		}
	}
	kept.refs++
	b.kept[id] = kept
	b.latest[program] = id
	return &Artifact{ID: id, Path: startedAs(kept.path, kept.name), Dir: filepath.Dir(kept.name), linked: linked}, nil
}

// has reports whether there is a binary with this ID. It is gone if nobody has kept the result of the last build, for
// example that of a save in several steps which was built before the last step.
func (b *Builder) has(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.kept[cmp.Or(b.same[id], id)]
	return kept != nil && statOrNil(kept.name) != nil
}

// linkOf puts a link to the binary with this ID at path.
func (b *Builder) linkOf(id, path string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if kept := b.kept[id]; kept != nil {
		return os.Link(kept.path, path)
	}
	return fs.ErrNotExist
}

// buildID returns the build ID of a linked program: the hashes of the inputs of the link and of package main, and of
// both outputs. The last is the SHA-256 of the binary without the ID itself (buildid.go of the go command). With
// -ldflags=-buildid= there is none.
var buildID = regexp.MustCompile(`[\w-]{20}/[\w-]{20}/[\w-]{20}/([\w-]{20})[^\w/-]`)

// idWithin is the part of a file searched for its build ID: go also expects the ID within the first 32 KB.
const idWithin = 64 << 10

// HeaderOf returns the path of the C header written by go when building for C to this path.
func HeaderOf(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + ".h" }

// Header returns the path of the artifact's C header, if there is one.
func (a *Artifact) Header() string { return HeaderOf(filepath.Join(a.Dir, filepath.Base(a.Path))) }

// keepArchive is keep for results other than programs, identified by their SHA-256.
func (b *Builder) keepArchive(program, out, name string) (*Artifact, error) {
	sum, err := sumOf(out)
	if err != nil {
		return nil, fmt.Errorf("read what was built: %w", err)
	}
	return b.keepAs(hex.EncodeToString(sum[:]), program, out, name)
}

// go build wrote the archive of a package, because the package is not main; or nothing, because there are several.
var (
	errArchive = errors.New("an archive, not a program")
	errNothing = errors.New("go build has written no file")
)

// contentID returns the content hash written by go into the binary, or the binary's SHA-256.
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
