package gobuild

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A program's home is the folder of os.Executable's result, where a program looks for data beside itself. All binaries
// of a program have the same home, in this run of hotreload and in later ones. So files written there by a program are
// still there for its successor. hotreload removes only binaries from a home, and an empty home. The name of a binary
// contains its run. A program is started by a link with the program's own name, in a folder of its own.

// homesName is the folder of all homes, in the cache folder.
const homesName = "programs"

// homeOf returns the home of a program.
func (b *Builder) homeOf(p Program, name string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", p.Dir, p.args()))
	return filepath.Join(filepath.Dir(b.run.dir), homesName, strings.TrimSuffix(name, ".exe")+"-"+
		hex.EncodeToString(sum[:4]))
}

// pathOf returns the path of a binary in the program's home. b.mu is held.
func (b *Builder) pathOf(program, id, name string) string {
	if !hasHomes {
		return name
	}
	return filepath.Join(b.homes[program], filepath.Base(name)+"."+filepath.Base(b.run.dir)+"."+id[:12])
}

// leaveHome removes a binary, and the home if empty then.
func leaveHome(path string) {
	_ = os.Remove(path)
	home := filepath.Dir(path)
	_ = os.Remove(home)
	_ = os.Remove(filepath.Dir(home))
}

// leaveHomes removes the binaries of a run from all homes.
func leaveHomes(run string) {
	homes := filepath.Join(filepath.Dir(run), homesName)
	programs, _ := os.ReadDir(homes)
	for _, program := range programs {
		entries, _ := os.ReadDir(filepath.Join(homes, program.Name()))
		for _, entry := range entries {
			if strings.Contains(entry.Name(), "."+filepath.Base(run)+".") {
				leaveHome(filepath.Join(homes, program.Name(), entry.Name()))
			}
		}
	}
}

// Beside reports whether a path is a program's file beside its binary.
func (b *Builder) Beside(path string) bool {
	return within(path, filepath.Join(filepath.Dir(b.run.dir), homesName))
}
