//go:build unix

package main

import (
	"strings"
	"testing"
	"time"
)

func TestPartsTable(t *testing.T) {
	const line = "\x1b[2m[hotreload] timed: notice 1.5 ms, compile %s ms, hand over -0.5 ms\x1b[0m\nmore"
	var rows []row
	for _, took := range []string{"30.0", "20.0", "40.0"} {
		c := &contender{}
		_, _ = c.out.Write([]byte("old timed: compile 99.0 ms\n" + strings.Replace(line, "%s", took, 1)))
		parts := c.partsOf(t.Context(), len("old timed: compile 99.0 ms\n"), 50*time.Millisecond)
		rows = append(rows, row{program: "hello", edit: "a body", parts: [][]part{parts, nil}})
	}
	rows[0].parts = append(rows[0].parts, rows[1].parts[0], rows[2].parts[0])
	have := strings.Split(strings.TrimSpace(partsTable(rows[:1])), "\n")
	want := []string{
		"where the time goes, medians in ms", "", "| program | edit | notice | compile | hand over | the rest |",
		"| --- | --- | --- | --- | --- | --- |", "| hello | a body | 1.5 | 30.0 | -0.5 | 19.0 |",
	}
	if strings.Join(have, "\n") != strings.Join(want, "\n") {
		t.Errorf("have\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
	if text := partsTable([]row{{parts: [][]part{nil}}}); text != "" {
		t.Errorf("without parts: %q", text)
	}
}
