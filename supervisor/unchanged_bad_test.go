//go:build linux || darwin

package supervisor

import (
	"testing"
	"time"
)

// A program misuses its listener, without knowing that it is shared. The supervisor reports what affects others,
// clients are served, and the next generation takes over.
func TestMistreatedListener(t *testing.T) {
	for _, c := range []struct {
		how  string
		told func(ListenerMended) bool // nil: no event is expected
	}{
		{"close", nil},
		{"shutdown", func(e ListenerMended) bool { return !e.Blocking }},
		{"block", func(e ListenerMended) bool { return e.Blocking }},
	} {
		t.Run(c.how, func(t *testing.T) {
			at := Address{Network: "tcp", Addr: freePort(t)}
			plan := build(t, "unchanged", true)
			s := start(t, Config{Args: []string{"bad", at.Addr, "bare"}, Agents: true, Policy: Policy{Grace: 2 * time.Second}})
			await(s, replaced(s.replaceWith(plan)))
			for range 2 {
				if _, err := ask(at, "/bad?do="+c.how); err != nil && c.how != "shutdown" { // shutdown ends the worker
					t.Error(err)
				}
				if c.told != nil {
					e := await(s, c.told)
					if e.Err != nil || e.Address.Addr != at.Addr {
						t.Errorf("have %+v, want %s, mended", e, at)
					}
				}
				get(t, at, "/echo?id=1")
				get(t, at, "/echo?id=2")
				generation := s.replaceWith(plan)
				await(s, replaced(generation))
				if answer := get(t, at, "/echo?id=3"); answer[0] != byte('0'+generation) {
					t.Errorf("have %q, want generation %d", answer, generation)
				}
			}
			for _, event := range s.all() {
				switch e := event.(type) {
				case ListenerMended:
					if c.told == nil {
						t.Errorf("%+v", e)
					}
				case GraceOver, Failed, Rejected:
					t.Errorf("%T %+v", e, e)
				case Exited:
					if !e.Expected && c.how != "shutdown" {
						t.Errorf("%+v", e)
					}
				}
			}
		})
	}
}
