package browser

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// Limits for the source lines in the overlay. Felt right, not measured.
const (
	linesAround = 2 // before and after
	widestLine  = 300
	mostSource  = 4 << 20 // bytes to read of a file
	mostSourced = 20      // messages of one problem with source lines
)

func number(n int) string { return strconv.Itoa(n) }

// linesOf reads the lines around a line of a file; nil if the file cannot be read.
func linesOf(path string, line int) (all []Line) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || line <= 0 {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	read := bufio.NewScanner(file)
	read.Buffer(nil, 1<<20)
	for n, size := 1, 0; n <= line+linesAround && size < mostSource && read.Scan(); n++ {
		size += len(read.Bytes()) + 1
		if n < line-linesAround {
			continue
		}
		text := strings.ToValidUTF8(read.Text(), "\uFFFD")
		if len(text) > widestLine {
			text = strings.ToValidUTF8(text[:widestLine], "") + "…"
		}
		all = append(all, Line{Number: n, Text: text})
	}
	return all
}

// sparing returns linesOf for only the first messages of a problem.
func sparing() func(path string, line int) []Line {
	left := mostSourced
	return func(path string, line int) []Line {
		if left--; left < 0 {
			return nil
		}
		return linesOf(path, line)
	}
}
