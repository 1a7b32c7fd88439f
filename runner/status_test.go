package runner

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestStatusIsOneObject: scripts find the fields of all parts of a Status at the top of the object.
func TestStatusIsOneObject(t *testing.T) {
	text, err := json.Marshal(Status{})
	var have map[string]any
	if err == nil {
		err = json.Unmarshal(text, &have)
	}
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("addresses agent alone blocked build_only built counters diagnostics exits failure " +
		"files_read folders kept listen name newest old packages pending phase program quiet serving slots stale " +
		"strategy switch waits wanted workers")
	if keys := slices.Sorted(maps.Keys(have)); !slices.Equal(keys, want) {
		t.Errorf("have %v\nwant %v", keys, want)
	}
}
