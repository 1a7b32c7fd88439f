//go:build unix

package main

import (
	"strings"
	"testing"
	"time"
)

// Saves that a page has not shown are counted, and are in no median.
func TestPagesTable(t *testing.T) {
	ours, other := withPage("hotreload", "", nil), withPage("other", "other", nil)
	for _, c := range []*paged{ours, other} {
		for _, s := range pagesSaved {
			c.took[s.kind] = []time.Duration{3 * time.Millisecond, time.Millisecond, 2 * time.Millisecond}
		}
	}
	other.took["css"], other.missed["css"] = nil, 3
	other.took["go"], other.missed["go"] = other.took["go"][:1], 2
	have := pagesTable([]*paged{ours, other}, 3)
	for _, want := range []string{
		"| | hotreload | other |\n",
		"| a stylesheet that requests read | 2 ms (1 to 3 ms) | –, 3 not shown |\n",
		"| Go | 2 ms (1 to 3 ms) | 3 ms (3 to 3 ms), 2 not shown |\n",
	} {
		if !strings.Contains(have, want) {
			t.Errorf("have:%s\nwant: %s", have, want)
		}
	}
}
