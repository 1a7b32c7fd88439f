package inspect

import (
	"bufio"
	"debug/elf"
	"encoding/binary"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// AwaitedSignals reports whether a Go program catches SIGINT, and SIGTERM, by os/signal. The kernel cannot tell,
// because the runtime of each Go program catches nearly all signals (SigCgt in /proc/PID/status). So AwaitedSignals
// reads the runtime's variable runtime.sig.wanted, which has had the same layout from Go 1.21 to 1.26. known is false
// for programs in other languages, without symbols, or with another layout.
func AwaitedSignals(pid int) (interrupt, terminate, known bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	where, known := findWanted(dir + "/exe")
	if !known {
		return false, false, false
	}
	address := where.address
	if where.moves {
		base, ok := loadedAt(dir)
		if !ok {
			return false, false, false
		}
		address += base
	}
	memory, err := os.Open(dir + "/mem")
	if err != nil {
		return false, false, false
	}
	defer memory.Close()
	word := make([]byte, 4)
	if _, err := memory.ReadAt(word, int64(address)); err != nil {
		return false, false, false
	}
	bits := where.order.Uint32(word)
	has := func(s syscall.Signal) bool { return bits&(1<<uint(s)) != 0 }
	return has(syscall.SIGINT), has(syscall.SIGTERM), true
}

// wanted is the place of the set of caught signals in a binary.
type wanted struct {
	address uint64 // of the word with the first 32 signals
	moves   bool   // the address is relative to the load address of the binary
	order   binary.ByteOrder
}

// binaries caches the results, because a binary has some ten thousand symbols.
var binaries struct {
	sync.Mutex
	found map[binaryID]*wanted // nil = not found
}

type binaryID struct{ device, inode, size uint64 }

func findWanted(exe string) (wanted, bool) {
	info, err := os.Stat(exe)
	if err != nil {
		return wanted{}, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return wanted{}, false
	}
	id := binaryID{stat.Dev, stat.Ino, uint64(stat.Size)}
	binaries.Lock()
	defer binaries.Unlock()
	if found, known := binaries.found[id]; known {
		return deref(found)
	}
	if binaries.found == nil || len(binaries.found) > 100 {
		binaries.found = map[binaryID]*wanted{}
	}
	binaries.found[id] = wantedIn(exe)
	return deref(binaries.found[id])
}

func deref(w *wanted) (wanted, bool) {
	if w == nil {
		return wanted{}, false
	}
	return *w, true
}

// wantedIn reads the binary's symbols. sig is a struct: a note, one machine word; four sets of 65 signals, of which
// the second is wanted; two words of 32 bits; a bool.
func wantedIn(exe string) *wanted {
	file, err := elf.Open(exe)
	if err != nil {
		return nil
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		return nil
	}
	word := uint64(8)
	if file.Class == elf.ELFCLASS32 {
		word = 4
	}
	const set = 3 * 4
	for _, symbol := range symbols {
		if symbol.Name != "runtime.sig" {
			continue
		}
		if size := word + 4*set + 2*4 + 1; symbol.Size != (size+word-1)/word*word {
			return nil
		}
		found := &wanted{address: symbol.Value + word + set, moves: file.Type == elf.ET_DYN, order: file.ByteOrder}
		if i := slices.IndexFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_LOAD }); found.moves && i >= 0 {
			found.address -= file.Progs[i].Vaddr
		}
		return found
	}
	return nil
}

// loadedAt returns the address at which a process's binary is loaded.
func loadedAt(dir string) (base uint64, ok bool) {
	exe, err := os.Readlink(dir + "/exe")
	if err != nil {
		return 0, false
	}
	maps, err := os.Open(dir + "/maps")
	if err != nil {
		return 0, false
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); { // START-END PERMISSIONS OFFSET DEVICE INODE PATH
		fields := strings.SplitN(lines.Text(), " ", 6)
		if len(fields) == 6 && strings.TrimSpace(fields[5]) == exe && strings.Trim(fields[2], "0") == "" {
			start, _, _ := strings.Cut(fields[0], "-")
			base, err = strconv.ParseUint(start, 16, 64)
			return base, err == nil
		}
	}
	return 0, false
}
