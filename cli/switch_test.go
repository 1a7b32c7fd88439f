package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"hotreload/killswitch"
)

// What the key p has done is taken back at the end, and nothing else is.
func TestPausing(t *testing.T) {
	t.Parallel()
	off, on, web := killswitch.State{Global: true}, killswitch.State{}, killswitch.State{}.With("web")
	press := func(p *pausing) error { return p.press() }
	say := func(s killswitch.State) func(*pausing) error {
		return func(p *pausing) error { return p.file.Restore(s) }
	}
	for _, c := range []struct {
		name        string
		steps       []func(*pausing) error
		before, end killswitch.State
	}{
		{"nothing", nil, on, on},
		{"pressed", []func(*pausing) error{press}, off, on},
		{"pressed twice", []func(*pausing) error{press, press}, on, on},
		{"disabled by others", []func(*pausing) error{say(off)}, off, off},
		{"disabled by others, let in by the key", []func(*pausing) error{say(off), press}, on, on},
		{"pressed, and meant by others too", []func(*pausing) error{press, say(on), say(off)}, off, off},
		{"pressed, and let in by others", []func(*pausing) error{press, say(on)}, on, on},
		{"what is off by name stays so", []func(*pausing) error{say(web), press}, killswitch.State{Global: true}.With("web"),
			web},
	} {
		p := &pausing{file: killswitch.File{Path: filepath.Join(t.TempDir(), "disabled.json")}}
		for i, step := range c.steps {
			err := step(p)
			if err == nil {
				err = os.Link(p.file.Path, p.file.Path+strconv.Itoa(i)) // within a tick the next file could be taken for this one
			}
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		if have, err := p.file.Read(); err != nil || string(have.Text()) != string(c.before.Text()) {
			t.Errorf("%s: it is %s (%v), want %s", c.name, have.Text(), err, c.before.Text())
		}
		p.end()
		if have, err := p.file.Read(); err != nil || string(have.Text()) != string(c.end.Text()) {
			t.Errorf("%s: in the end it is %s (%v), want %s", c.name, have.Text(), err, c.end.Text())
		}
	}
	if err := (&pausing{}).press(); err == nil || hintOf(err) == "" {
		t.Errorf("without a place for it: %v", err)
	}
}
