package cli

import "testing"

func TestScreen(t *testing.T) {
	for _, c := range []struct{ name, writes, undo, redo string }{
		{"text and colours", "one\x1b[31mtwo\x1b[0m\x1b[2J\x1b[H", "", ""},
		{"another screen", "\x1b[?1049h", "\x1b[?1049l\x1b[0m", "\x1b[?1049h"},
		{"and left", "\x1b[?1049hx\x1b[?1049l", "", ""},
		{"a hidden cursor", "\x1b[?25l", "\x1b[?25h\x1b[0m", "\x1b[?25l"},
		{"shown again", "\x1b[?25l\x1b[?25h", "", ""},
		{"shown where it was", "\x1b[?25h", "", ""},
		{"several in one", "\x1b[?1002;1006h", "\x1b[?1006l\x1b[?1002l\x1b[0m", "\x1b[?1002h\x1b[?1006h"},
		{"the last first", "\x1b[?1049h\x1b[?25l\x1b[?2004h", "\x1b[?2004l\x1b[?25h\x1b[?1049l\x1b[0m",
			"\x1b[?1049h\x1b[?25l\x1b[?2004h"},
		{"said twice", "\x1b[?1049h\x1b[?1049h", "\x1b[?1049l\x1b[0m", "\x1b[?1049h"},
		{"a sequence that is broken off", "\x1b[?10\x1b[?25l", "\x1b[?25h\x1b[0m", "\x1b[?25l"},
		{"one without an end", "\x1b[?" + string(make([]byte, 200)) + "h", "", ""},
		{"a title that looks like one", "\x1b]0;?1049h\a", "", ""},
		{"a keyboard of kitty's", "\x1b[>1u", "\x1b[<1u\x1b[0m", ""},
		{"and back", "\x1b[>1u\x1b[<u", "", ""},
	} {
		whole, bytewise := screen{}, screen{}
		whole.sees([]byte(c.writes))
		for _, b := range []byte(c.writes) { // the output may arrive in any pieces
			bytewise.sees([]byte{b})
		}
		for _, s := range []*screen{&whole, &bytewise} {
			if undo, redo := string(s.undo()), string(s.redo()); undo != c.undo || redo != c.redo {
				t.Errorf("%s: have %q and %q, want %q and %q", c.name, undo, redo, c.undo, c.redo)
			}
		}
	}
}
