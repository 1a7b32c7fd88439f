package watch

import (
	"fmt"
	"testing"
)

func TestDraft(t *testing.T) {
	var (
		nothing = stamp{}
		folder  = stamp{kind: dir}
		one     = stamp{kind: file, size: 3, hash: 1, hashed: true, mtime: 1}
		two     = stamp{kind: file, size: 3, hash: 2, hashed: true, mtime: 2}
		oneNow  = stamp{kind: file, size: 3, hash: 1, hashed: true, mtime: 3}
		large   = stamp{kind: file, size: 9 << 20, mtime: 1}
		touched = stamp{kind: file, size: 9 << 20, mtime: 2}
	)
	for _, c := range []struct {
		name  string
		steps []stamp // the consumer knows the first state
		want  string  // "" for no change
	}{
		{"created", []stamp{nothing, one}, "created false"},
		{"written", []stamp{one, two}, "written false"},
		{"removed", []stamp{one, nothing}, "removed false"},
		{"created and written", []stamp{nothing, one, two}, "created false"},
		{"created and removed", []stamp{nothing, one, nothing}, ""},
		{"created, removed, created", []stamp{nothing, one, nothing, two}, "created false"},
		{"removed and created", []stamp{one, nothing, two}, "written false"},
		{"removed and restored", []stamp{one, nothing, oneNow}, ""},
		{"written and restored", []stamp{one, two, oneNow}, ""},
		{"written, restored, written", []stamp{one, two, oneNow, two}, "written false"},
		{"written and removed", []stamp{one, two, nothing}, "removed false"},
		{"folder created", []stamp{nothing, folder}, "created true"},
		{"folder removed", []stamp{folder, nothing}, "removed true"},
		{"folder removed and created", []stamp{folder, nothing, folder}, ""},
		{"folder for a file", []stamp{one, nothing, folder}, "written true"},
		{"file for a folder", []stamp{folder, nothing, one}, "written false"},
		{"folder for a file and back", []stamp{one, folder, oneNow}, ""},
		{"a large file is judged by its time", []stamp{large, touched}, "written false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d draft
			for i := 1; i < len(c.steps); i++ {
				d.record("/p", c.steps[i-1], c.steps[i])
			}
			have := ""
			for _, change := range d.batch(true).Changes {
				have += fmt.Sprint(change.Op, " ", change.Dir)
			}
			if have != c.want {
				t.Errorf("have %q, want %q", have, c.want)
			}
			if d.void() != (c.want == "") {
				t.Error("void is", d.void())
			}
			if d.told = true; d.void() {
				t.Error("nothing to say, though the consumer waits for the end of the batch")
			}
		})
	}
}
