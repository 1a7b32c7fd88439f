package cli

import (
	"strings"
	"testing"
	"time"
)

// TestFreshness: a sequence of steps of services, and where the screen is cleared. b begins a build, r a replacement, e
// is the end; then the service, and the milliseconds since the previous step.
func TestFreshness(t *testing.T) {
	for _, c := range []struct{ name, does, want string }{
		{"a build", "b:x:0 r:x:500 e:x:20", "yes no"},
		{"builds soon after each other", "b:x:0 r:x:100 e:x:20 b:x:10 r:x:100 e:x:20", "yes no yes no"},
		{"a build that is superseded", "b:x:0 b:x:300 r:x:500 e:x:20", "yes yes no"},
		{"a restart without a build", "r:x:0 e:x:20 r:x:50 e:x:20", "yes yes"},
		{"a failed build, then a restart", "b:x:0 e:x:100 r:x:100", "yes yes"},
		{"two services in one save", "b:x:0 b:y:5 r:x:400 r:y:10 e:x:5 e:y:5", "yes no no no"},
		{"two services, one fast", "r:x:0 e:x:30 b:y:20 r:y:900", "yes no no"},
		{"two services in two saves", "b:x:0 r:x:100 e:x:20 b:y:2000 r:y:100 e:y:20", "yes no yes no"},
	} {
		var f freshness
		now := time.Unix(1e9, 0)
		var have []string
		for step := range strings.FieldsSeq(c.does) {
			parts := strings.Split(step, ":")
			after, err := time.ParseDuration(parts[2] + "ms")
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(after)
			if parts[0] == "e" {
				f.note(parts[1], false, now)
				continue
			}
			have = append(have, map[bool]string{true: "yes", false: "no"}[f.begins(parts[1], parts[0] == "b", now)])
		}
		if have := strings.Join(have, " "); have != c.want {
			t.Errorf("%s: have %s, want %s", c.name, have, c.want)
		}
	}
}
