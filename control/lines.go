package control

import "bytes"

// Lines joins the pieces of several writers to lines: it holds the beginning of a line until the rest comes. The zero
// value is ready.
type Lines[W comparable] struct{ begun map[W][]byte }

// Add takes the next piece of a writer, and returns the completed lines, each with its end. The unfinished rest is
// held.
func (l *Lines[W]) Add(by W, piece []byte) (whole []byte) {
	n := bytes.LastIndexByte(piece, '\n') + 1
	if n > 0 {
		if whole = piece[:n]; len(l.begun[by]) > 0 {
			whole = append(l.Take(by), whole...)
		}
	}
	if n < len(piece) {
		if l.begun == nil {
			l.begun = map[W][]byte{}
		}
		l.begun[by] = append(l.begun[by], piece[n:]...)
	}
	return whole
}

// Held returns the number of held bytes of a line.
func (l *Lines[W]) Held(by W) int { return len(l.begun[by]) }

// Take returns the held part of a line, without waiting for its end.
func (l *Lines[W]) Take(by W) []byte {
	held := l.begun[by]
	delete(l.begun, by)
	return held
}
