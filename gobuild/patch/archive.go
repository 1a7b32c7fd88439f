package patch

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

const (
	archiveMagic = "!<arch>\n"
	memberHeader = 60 // bytes of a member's header; bytes 48 to 58 are the member's size in decimal
)

// archive is a package's archive, mapped into memory.
type archive struct {
	objects []*object
	foreign bool // has objects of a C compiler, or instructions of cgo for the linker
	data    []byte
	release func()
}

// readArchive maps the archive of a package. The linker uses all its members but the export data.
func readArchive(importPath, file string) (*archive, error) {
	data, release, err := mapFile(file)
	if err != nil {
		return nil, err
	}
	a := &archive{data: data, release: release}
	if err := a.read(importPath, data); err != nil {
		release()
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return a, nil
}

func (a *archive) read(importPath string, data []byte) error {
	rest, ok := bytes.CutPrefix(data, []byte(archiveMagic))
	if !ok {
		return errors.New("not an archive")
	}
	for len(rest) >= memberHeader {
		name := strings.TrimSpace(string(rest[:16]))
		size, err := strconv.Atoi(strings.TrimSpace(string(rest[48:58])))
		if err != nil || size < 0 || size > len(rest)-memberHeader {
			return errors.New("a damaged archive")
		}
		member := rest[memberHeader : memberHeader+size]
		rest = rest[min(memberHeader+size+size&1, len(rest)):]
		switch name {
		case "__.PKGDEF", "preferlinkext", "dynimportfail": // export data; marks for go
			continue
		}
		if !bytes.HasPrefix(member, []byte("go object ")) {
			a.foreign = true
			continue
		}
		header, body, ok := bytes.Cut(member, []byte("\n!\n"))
		if !ok {
			return errors.New("an object file without an end of its header")
		}
		a.foreign = a.foreign || bytes.Contains(header, []byte("$$  // cgo"))
		o, err := newObject(importPath, body)
		if err != nil {
			return err
		}
		a.objects = append(a.objects, o)
	}
	return nil
}

func readConfig(importcfg, mainPath, mainArchive string) (map[string]string, error) {
	text, err := os.ReadFile(importcfg)
	if err != nil {
		return nil, err
	}
	archives := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if file, ok := strings.CutPrefix(strings.TrimSpace(line), "packagefile "); ok {
			importPath, file, _ := strings.Cut(file, "=")
			archives[importPath] = file
		}
	}
	delete(archives, mainPath)
	archives["main"] = mainArchive
	return archives, nil
}

// escaped returns an import path as it stands in the names of symbols: cmd/internal/objabi.PathToPrefix.
func escaped(importPath string) string {
	slash := strings.LastIndexByte(importPath, '/')
	var b strings.Builder
	for i := range len(importPath) {
		c := importPath[i]
		if c <= ' ' || c == '.' && i > slash || c == '%' || c == '"' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
