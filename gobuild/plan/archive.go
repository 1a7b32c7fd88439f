package plan

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Sum is a SHA-256.
type Sum [sha256.Size]byte

// Archive describes a package's archive.
type Archive struct {
	ID     string // build ID
	Export Sum    // of the export data, without the build ID: everything that importers depend on
	All    Sum    // of the file
}

const (
	archiveMagic = "!<arch>\n"
	memberHeader = 60 // bytes of a member's header; bytes 48 to 58 are the member's size in decimal
)

// ReadArchive reads the archive of a package.
func ReadArchive(path string) (Archive, error) {
	file, err := os.Open(path)
	if err != nil {
		return Archive{}, err
	}
	defer file.Close()
	all := sha256.New()
	a, err := readArchive(io.TeeReader(file, all))
	if err != nil {
		return Archive{}, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := io.Copy(all, file); err != nil {
		return Archive{}, err
	}
	all.Sum(a.All[:0])
	return a, nil
}

func readArchive(r io.Reader) (a Archive, err error) {
	head := make([]byte, len(archiveMagic)+memberHeader)
	if _, err := io.ReadFull(r, head); err != nil {
		return a, err
	}
	member := head[len(archiveMagic):]
	size, err := strconv.Atoi(strings.TrimSpace(string(member[48:58])))
	if !bytes.HasPrefix(head, []byte(archiveMagic)) || !bytes.HasPrefix(member, []byte("__.PKGDEF ")) || err != nil {
		return a, errors.New("not the archive of a package")
	}
	export := make([]byte, size)
	if _, err := io.ReadFull(r, export); err != nil {
		return a, err
	}
	// The first line is the toolchain's version, the second the build ID.
	version, rest, _ := bytes.Cut(export, []byte("\n"))
	id, rest, _ := bytes.Cut(rest, []byte("\n"))
	quoted, ok := bytes.CutPrefix(id, []byte("build id "))
	if a.ID, err = strconv.Unquote(string(quoted)); !ok || err != nil {
		return a, errors.New("an archive without a build ID")
	}
	sum := sha256.New()
	sum.Write(version)
	sum.Write([]byte("\n"))
	sum.Write(rest)
	sum.Sum(a.Export[:0])
	return a, nil
}
