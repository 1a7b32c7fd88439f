package migrate

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Plan is the change from today's way of running a project to hotreload.
type Plan struct {
	Rows  []Row
	File  File
	Mains []string // the folders of main packages, as ./cmd/web
}

// Row is one found thing, and its fate.
type Row struct {
	Source string // the file: .air.toml, Makefile:12
	Key    string // the thing there: build.cmd
	Fate   Fate
	Text   string // the replacement, or the reason
}

// Fate is what becomes of a thing.
type Fate uint8

const (
	Becomes   Fate = iota // something in hotreload.toml, or another command
	NotNeeded             // with hotreload
	YouDecide             // hotreload cannot know
)

func (f Fate) String() string { return [...]string{"becomes", "not needed", "you decide"}[f] }

// fateWidth is the width of the column of fates, and keyWidth the largest one of keys.
const (
	fateWidth = 12
	keyWidth  = 26
)

// Table shows the rows in lines of the given width, by source. Things with the same fate for the same reason share a
// row.
func (p Plan) Table(width int) string {
	var b strings.Builder
	var source, key string
	for _, r := range grouped(p.Rows) {
		if r.Source != source {
			if source != "" {
				b.WriteString("\n")
			}
			fmt.Fprintf(&b, "%s\n", r.Source)
			source, key = r.Source, ""
		}
		keys := wrap(r.Key, keyWidth)
		if r.Key == key {
			keys = []string{""}
		}
		key = r.Key
		texts := wrap(r.Text, max(width-2-keyWidth-2-fateWidth, 30))
		for i := range max(len(keys), len(texts)) {
			fate, left, right := "", "", ""
			if i == 0 {
				fate = r.Fate.String()
			}
			if i < len(keys) {
				left = keys[i]
			}
			if i < len(texts) {
				right = texts[i]
			}
			line := "  " + padded(left, keyWidth+2) + padded(fate, fateWidth) + right
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	return b.String()
}

// grouped puts the keys of a source with the same fate and text into one row, and the user's decisions last.
func grouped(rows []Row) (all []Row) {
	for _, r := range rows {
		same := func(other Row) bool { return other.Source == r.Source && other.Fate == r.Fate && other.Text == r.Text }
		if i := slices.IndexFunc(all, same); i >= 0 && r.Fate != Becomes {
			if all[i].Key != r.Key {
				all[i].Key += ", " + r.Key
			}
			continue
		}
		all = append(all, r)
	}
	sources := []string{}
	for _, r := range rows {
		if !slices.Contains(sources, r.Source) {
			sources = append(sources, r.Source)
		}
	}
	slices.SortStableFunc(all, func(a, b Row) int {
		if a.Source != b.Source {
			return slices.Index(sources, a.Source) - slices.Index(sources, b.Source)
		}
		return int(a.Fate) - int(b.Fate)
	})
	return all
}

func padded(text string, width int) string {
	return text + strings.Repeat(" ", max(width-utf8.RuneCountInString(text), 0))
}

// wrap breaks a text at spaces.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
