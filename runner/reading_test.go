package runner

import (
	"testing"

	"hotreload/watch"
)

// TestReading has a case for each line of the table in reading.go, and for each order of two lines.
func TestReading(t *testing.T) {
	const written, created, removed = watch.Written, watch.Created, watch.Removed
	for _, c := range []struct {
		name  string
		facts facts
		class Class
		known bool
	}{
		{"a worker left it so", facts{op: written, own: true, read: atStart}, None, true},
		{"a worker left it so, new in a listed folder", facts{op: created, own: true, listed: atStart, kind: "*.json"},
			None, true},
		{"a worker left it so, and it is gone", facts{op: removed, own: true, read: atStart}, None, true},
		{"a worker left it so, and none has read it", facts{op: written, own: true}, None, false},
		{"a folder that was listed", facts{op: removed, dir: true, read: atStart}, None, true},
		{"a folder in one that was listed", facts{op: created, dir: true, listed: atStart}, None, true},
		{"a folder of which nothing is known", facts{op: created, dir: true}, None, false},
		{"a worker runs code from it", facts{op: written, loaded: true}, Restart, true},
		{"a worker runs code from it, and reads it as needed", facts{op: written, loaded: true, read: repeated}, Restart,
			true},
		{"read before ready, but only after this change", facts{op: written, read: atStart, since: true}, None, true},
		{"read before ready, and again since, by the same function", facts{op: written, read: atStart, rereads: true},
			Live, true},
		{"read before ready", facts{op: written, read: atStart}, Restart, true},
		{"read before ready, and gone", facts{op: removed, read: atStart}, Restart, true},
		{"looked for before ready, and there now", facts{op: created, read: atStart, listed: atStart}, Restart, true},
		{"read before ready, and written by workers before", facts{op: written, read: atStart, wrote: true}, Restart, true},
		{"read since, at each use", facts{op: written, read: eachUse}, Live, true},
		{"read since, again for a later request", facts{op: written, read: repeated}, Live, true},
		{"read since, but only after this change", facts{op: written, read: once, since: true}, Live, true},
		{"read since, once", facts{op: written, read: once}, Restart, true},
		{"read since, once, and gone", facts{op: removed, read: once}, Restart, true},
		{"read by workers that are gone", facts{op: written, read: formerly}, Live, true},
		{"written by workers, and not read", facts{op: written, wrote: true}, None, true},
		{"written by workers once, gone, and made by somebody else", facts{op: created, wrote: true, listed: atStart,
			kind: "*.html"}, Restart, true},
		{"new, in a folder listed since", facts{op: created, listed: atStart, after: true, kind: "*.html"}, None, true},
		{"new, as others that were read before ready", facts{op: created, listed: atStart, kind: "*.html"}, Restart, true},
		{"new, as others, but too many were opened", facts{op: created, listed: atStart, kind: "*.html", crowded: true},
			None, true},
		{"new, and nothing of its kind was read", facts{op: created, listed: atStart}, None, true},
		{"new, in a folder that is listed whenever it is needed", facts{op: created, listed: repeated, kind: "*.html"},
			Live, true},
		{"new, in a folder that is listed at each use", facts{op: created, listed: eachUse}, Live, true},
		{"new, in a folder that workers listed that are gone", facts{op: created, listed: formerly}, Live, true},
		{"new, as others that were read once", facts{op: created, listed: once, kind: "*.html"}, Restart, true},
		{"new, in a folder listed once, nothing of its kind", facts{op: created, listed: once}, None, true},
		{"written, in a listed folder: its name says nothing new", facts{op: written, listed: atStart, kind: "*.html"},
			None, false},
		{"removed from a listed folder, and not read itself", facts{op: removed, listed: atStart, kind: "*.html"}, None,
			false},
		{"nothing is known", facts{op: written}, None, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			class, reason, known := c.facts.class()
			if class != c.class || known != c.known || known != (reason != "") {
				t.Errorf("have %s (%q), known %v; want %s, known %v", class, reason, known, c.class, c.known)
			}
		})
	}
}
