//go:build linux || darwin

package core

import (
	"sync"
	"testing"
)

func TestState(t *testing.T) {
	both, parked, quiet, none := news{true, true}, news{parked: true}, news{quiet: true}, news{}
	for _, c := range []struct {
		name string
		do   func(s *state) news
		want news
	}{
		{"nothing is open", func(s *state) news { return s.drain() }, both},
		{"drain is said twice", func(s *state) news { s.drain(); return s.drain() }, none},
		{"an accept is in the kernel", func(s *state) news { s.enter(3); return s.drain() }, none},
		{"it comes back with nothing", func(s *state) news { s.enter(3); s.drain(); return s.leave(3, -1) }, both},
		{"it comes back with a connection", func(s *state) news { s.enter(3); s.drain(); return s.leave(3, 4) }, parked},
		{"one of two comes back", func(s *state) news { s.enter(3); s.enter(3); s.drain(); return s.leave(3, -1) }, none},
		{"a connection is open", func(s *state) news { s.enter(3); s.leave(3, 4); return s.drain() }, parked},
		{"and is closed", func(s *state) news { s.enter(3); s.leave(3, 4); s.drain(); s.closing(4); return s.closed() },
			quiet},
		{"another file is closed", func(s *state) news {
			s.enter(3)
			s.leave(3, 4)
			s.drain()
			s.closing(5)
			return s.closed()
		}, none},
		{"the listener is closed", func(s *state) news {
			s.enter(3)
			s.leave(3, 4)
			s.drain()
			s.closing(3)
			return s.closed()
		}, none},
		{"one waits for an accept", func(s *state) news {
			s.enter(3)
			s.queue(3, queued{fd: 4})
			s.leave(3, -1)
			return s.drain()
		}, none},
		{"and is taken", func(s *state) news { s.queue(3, queued{fd: 4}); s.drain(); _, n, _ := s.unqueue(3); return n },
			parked},
		{"one of two is taken", func(s *state) news {
			s.queue(3, queued{fd: 4})
			s.queue(3, queued{fd: 5})
			s.drain()
			_, n, _ := s.unqueue(3)
			return n
		}, none},
		{"the listener of one that waits is closed", func(s *state) news {
			s.queue(3, queued{fd: 4})
			s.drain()
			for _, c := range s.unwanted(3) {
				s.closing(c.fd)
			}
			return s.closed()
		}, both},
		{"loops are looked for", func(s *state) news { s.beginLook(); return s.drain() }, none},
		{"there are none", func(s *state) news { s.beginLook(); s.drain(); return s.looked(0) }, both},
		{"one has connections", func(s *state) news { s.beginLook(); s.drain(); return s.looked(2) }, parked},
		{"which close", func(s *state) news { s.beginLook(); s.drain(); s.looked(2); return s.looked(0) }, quiet},
		{"an accept is in the kernel, and a loop", func(s *state) news {
			s.enter(3)
			s.beginLook()
			s.drain()
			s.looked(0)
			return s.leave(3, -1)
		}, both},
		{"a number is used again", func(s *state) news {
			s.enter(3)
			s.leave(3, 4)
			s.closing(4) // not closed yet, as far as the state knows
			s.enter(3)
			s.leave(3, 4)
			s.closed()
			return s.drain()
		}, parked},
	} {
		t.Run(c.name, func(t *testing.T) {
			if have := c.do(newState()); have != c.want {
				t.Errorf("have %+v, want %+v", have, c.want)
			}
		})
	}
}

func TestStateTellsOfListeners(t *testing.T) {
	s := newState()
	s.listens(3, 7)
	if id, first, goOn := s.enter(3); id != 7 || !first || !goOn {
		t.Errorf("first accept: have %d, %v, %v", id, first, goOn)
	}
	if _, first, goOn := s.enter(3); first || !goOn {
		t.Errorf("second accept: have %v, %v", first, goOn)
	}
	if id, first, _ := s.enter(9); id != 0 || !first {
		t.Errorf("accept on one that is not ours: have %d, %v", id, first)
	}
	if id, known := s.closing(3); id != 7 || !known {
		t.Errorf("close: have %d, %v", id, known)
	}
	if _, known := s.closing(3); known {
		t.Error("it is still known after its close")
	}
	s.drain()
	if _, _, goOn := s.enter(9); goOn {
		t.Error("an accept entered the kernel while draining")
	}
	if _, first, goOn := s.enter(10); !first || goOn {
		t.Errorf("first accept while draining: have %v, %v", first, goOn)
	}
}

// TestStateInParallel: in any order, each report is sent once, and parked before any later accept.
func TestStateInParallel(t *testing.T) {
	for range 200 {
		s := newState()
		var mu sync.Mutex
		said := news{}
		count := 0
		note := func(n news) {
			mu.Lock()
			defer mu.Unlock()
			if n.parked && said.parked || n.quiet && said.quiet {
				t.Error("said twice")
			}
			said.parked, said.quiet = said.parked || n.parked, said.quiet || n.quiet
		}
		var done sync.WaitGroup
		for i := range 4 {
			done.Add(1)
			go func() {
				defer done.Done()
				for n := 0; ; n++ {
					_, _, goOn := s.enter(3)
					mu.Lock()
					if goOn && said.parked {
						t.Error("an accept after parked")
					}
					count++
					mu.Unlock()
					if !goOn {
						return
					}
					fd := 10 + i
					note(s.leave(3, fd))
					s.closing(fd)
					note(s.closed())
				}
			}()
		}
		note(s.drain())
		done.Wait()
		if !said.parked || !said.quiet {
			t.Fatalf("have %+v, want both; open %v", said, s.open)
		}
	}
}
