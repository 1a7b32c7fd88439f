//go:build unix

package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// part is a part of the time from a save to the first answer of the new code.
type part struct {
	does string
	took time.Duration
}

var (
	timedLine = regexp.MustCompile(`timed: ([^\n\x1b]*)`)
	timedPart = regexp.MustCompile(`([a-z ]+) (-?[0-9.]+) ms`)
)

// partsOf waits until hotreload -v tells how long the parts of a reload took, in what it prints after the first told
// bytes. The remainder of the whole time is the last part: the system's news of the save, and the request. It is
// negative if the new code answers before the old workers have given everything away.
func (c *contender) partsOf(ctx context.Context, told int, whole time.Duration) []part {
	const limit = 2 * time.Second
	for began := time.Now(); time.Since(began) < limit && ctx.Err() == nil; pause(ctx, 5*time.Millisecond) {
		if parts := readParts(c.out.String()[told:]); parts != nil {
			for _, p := range parts {
				whole -= p.took
			}
			return append(parts, part{"the rest", whole})
		}
	}
	return nil
}

func readParts(text string) (parts []part) {
	line := timedLine.FindStringSubmatch(text)
	if line == nil {
		return nil
	}
	for _, m := range timedPart.FindAllStringSubmatch(line[1], -1) {
		if took, err := strconv.ParseFloat(m[2], 64); err == nil {
			parts = append(parts, part{strings.TrimSpace(m[1]), time.Duration(took * float64(time.Millisecond))})
		}
	}
	return parts
}

// partsTable shows the medians of the parts.
func partsTable(rows []row) string {
	var b strings.Builder
	for _, r := range rows {
		told := slices.DeleteFunc(slices.Clone(r.parts), func(parts []part) bool { return parts == nil })
		if len(told) == 0 {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("\nwhere the time goes, medians in ms\n\n| program | edit |")
			for _, p := range told[0] {
				b.WriteString(" " + p.does + " |")
			}
			b.WriteString("\n| --- | --- |" + strings.Repeat(" --- |", len(told[0])) + "\n")
		}
		fmt.Fprintf(&b, "| %s | %s |", r.program, r.edit)
		for i := range told[0] {
			var times []time.Duration
			for _, parts := range told {
				times = append(times, parts[i].took)
			}
			fmt.Fprintf(&b, " %.1f |", float64(quantile(times, 0.5).Microseconds())/1000)
		}
		b.WriteString("\n")
	}
	return b.String()
}
