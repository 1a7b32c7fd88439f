package web

import (
	"compress/gzip"
	"io"
)

// gunzip unpacks the bytes written to it. Its goroutine works only while write or close waits: the two take turns, so
// the function take may use data of the handler's goroutine.
type gunzip struct {
	in   chan []byte   // closed at the end
	more chan struct{} // the goroutine has read the whole piece
	done chan struct{} // the goroutine has ended, with err
	err  error
}

// newGunzip calls take with the unpacked pieces.
func newGunzip(take func([]byte) error) *gunzip {
	g := &gunzip{in: make(chan []byte), more: make(chan struct{}), done: make(chan struct{})}
	go g.unpack(take) // ends with close
	return g
}

func (g *gunzip) unpack(take func([]byte) error) {
	defer close(g.done)
	in := &turns{gunzip: g}
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		g.err = err
		return
	}
	buffer := make([]byte, 8<<10)
	for {
		n, err := unpacked.Read(buffer)
		if n > 0 {
			if failed := take(buffer[:n]); failed != nil {
				g.err = failed
				return
			}
		}
		if err != nil {
			if err != io.EOF {
				g.err = err
			}
			return
		}
	}
}

// turns is the goroutine's source.
type turns struct {
	*gunzip
	begun bool
	piece []byte
}

func (t *turns) Read(p []byte) (int, error) {
	for len(t.piece) == 0 {
		if t.begun {
			t.more <- struct{}{}
		}
		t.begun = true
		piece, ok := <-t.in
		if !ok {
			return 0, io.EOF
		}
		t.piece = piece
	}
	n := copy(p, t.piece)
	t.piece = t.piece[n:]
	return n, nil
}

// write returns once the goroutine has read all data.
func (g *gunzip) write(data []byte) error {
	select {
	case g.in <- data:
	case <-g.done:
		return g.failure()
	}
	select {
	case <-g.more:
		return nil
	case <-g.done:
		return g.failure()
	}
}

func (g *gunzip) failure() error {
	if g.err == nil {
		return io.ErrClosedPipe // nothing may follow
	}
	return g.err
}

// close returns once the goroutine has ended.
func (g *gunzip) close() error {
	select {
	case <-g.done:
		return g.err
	default:
	}
	close(g.in)
	<-g.done
	return g.err
}
