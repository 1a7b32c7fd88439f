package web

// frames follows one direction of an HTTP/2 connection and finds the ends of frames (RFC 9113, sections 4.1 and 6).
type frames struct {
	header  [9]byte
	have    int     // bytes of the current frame's header
	left    int     // missing bytes of the payload, once the header is complete
	payload [8]byte // of a PING
	open    bool    // a block of headers is open: the next frame has to continue the block
	seen    bool    // a frame was seen
}

// Types of frames, and flags.
const (
	headersFrame  = 0x1
	settingsFrame = 0x4
	pushFrame     = 0x5
	pingFrame     = 0x6
	goAwayFrame   = 0x7
	continuation  = 0x9

	flagAck        = 0x1
	flagEndHeaders = 0x4
)

// between reports whether another frame may be inserted here.
func (f *frames) between() bool { return f.have == 0 && !f.open }

// follow takes the bytes up to the end of a frame, or all bytes if no frame ends among them.
func (f *frames) follow(p []byte) (n int, ended bool) {
	if f.have < len(f.header) {
		n = copy(f.header[f.have:], p)
		f.have += n
		if f.have < len(f.header) {
			return n, false
		}
		f.left = int(f.header[0])<<16 | int(f.header[1])<<8 | int(f.header[2])
	}
	more := len(p) - n
	if more > f.left {
		more = f.left
	}
	if f.kind() == pingFrame {
		if at := len(f.payload) - f.left; at >= 0 {
			copy(f.payload[at:], p[n:n+more])
		}
	}
	n += more
	f.left -= more
	if f.left > 0 {
		return n, false
	}
	switch f.kind() {
	case headersFrame, pushFrame, continuation:
		f.open = f.flags()&flagEndHeaders == 0
	}
	f.have, f.seen = 0, true
	return n, true
}

func (f *frames) kind() byte  { return f.header[3] }
func (f *frames) flags() byte { return f.header[4] }

// frame returns a frame of stream 0, which is the connection itself.
func frame(kind, flags byte, payload ...byte) []byte {
	n := len(payload)
	return append([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, 0, 0, 0, 0}, payload...)
}
