package protocol

// How a file was opened, as far as known; or more about the file.
const (
	ToRead        byte = 1
	ToReadOrWrite byte = 2
	ToWrite       byte = 4

	Again   byte = 8  // opened again for a later request: the program opens the file whenever needed
	Counted byte = 16 // only to report the count
	TooMany byte = 32 // from now on, new paths are not reported
)

// The purpose of an opening, as far as the calling function shows.
const (
	ForProgram byte = 0
	ForItself  byte = 1 // for the standard library itself: names, time zones, certificates
	ToServe    byte = 2 // by code that opens its files at each use
)

// MaxPath and MaxCaller are the largest lengths, in bytes: both fit into a frame.
const (
	MaxCaller = 255
	MaxPath   = MaxBody - 64 - MaxCaller
)

// FileOpening is the content of Opened.
type FileOpening struct {
	How, Purpose byte
	Missing      bool   // the file did not exist
	At           int64  // nanoseconds since 1970
	Count        uint32 // number of openings for reading, before the first accept or since
	Path         string // absolute, not clean
	Caller       string // the function that opened the file, for people and for comparison
}

// AppendOpened adds an Opened. Path and Caller must not be too long.
func AppendOpened(buf []byte, o FileOpening) []byte {
	purpose := o.Purpose
	if o.Missing {
		purpose |= 0x80
	}
	body := append([]byte{o.How, purpose}, wide(uint64(o.At))...)
	body = append(body, Numbers(o.Count, uint32(len(o.Path)))...)
	body = append(body, o.Path...)
	return Append(buf, Opened, append(body, o.Caller...))
}

// ParseOpened reads the body of an Opened.
func ParseOpened(body []byte) (o FileOpening, ok bool) {
	if len(body) < 18 {
		return o, false
	}
	o.How, o.Purpose, o.Missing, o.At = body[0], body[1]&0x7f, body[1]&0x80 != 0, int64(wideAt(body[2:], 0))
	o.Count, _ = Number(body[10:], 0)
	length, _ := Number(body[10:], 1)
	body = body[18:]
	if length == 0 || uint64(length) > uint64(len(body)) {
		return o, false
	}
	o.Path, o.Caller = string(body[:length]), string(body[length:])
	return o, true
}

// FileWritten is the content of Wrote: the state of a written file when the program closes it.
type FileWritten struct {
	Held     bool // the file stays open
	Only     bool // the file cannot be read by this descriptor
	At       int64
	Since    int64 // opened at this time or later; 0: unknown
	Inode    uint64
	Modified int64  // nanoseconds since 1970
	Path     string // the present name; "" if unknown
}

// AppendWrote adds a Wrote. Too long a path is left out.
func AppendWrote(buf []byte, w FileWritten) []byte {
	var flags byte
	if w.Held {
		flags |= 1
	}
	if w.Only {
		flags |= 2
	}
	body := []byte{flags}
	for _, n := range []uint64{uint64(w.At), uint64(w.Since), w.Inode, uint64(w.Modified)} {
		body = append(body, wide(n)...)
	}
	if len(w.Path) <= MaxPath {
		body = append(body, w.Path...)
	}
	return Append(buf, Wrote, body)
}

// ParseWrote reads the body of a Wrote.
func ParseWrote(body []byte) (w FileWritten, ok bool) {
	if len(body) < 33 {
		return w, false
	}
	w.Held, w.Only = body[0]&1 != 0, body[0]&2 != 0
	numbers := body[1:]
	w.At, w.Since, w.Inode = int64(wideAt(numbers, 0)), int64(wideAt(numbers, 1)), wideAt(numbers, 2)
	w.Modified = int64(wideAt(numbers, 3))
	w.Path = string(body[33:])
	return w, true
}

// wide returns a number of eight bytes.
func wide(n uint64) []byte { return Numbers(uint32(n>>32), uint32(n)) }

// wideAt returns the i-th of several existing numbers of eight bytes.
func wideAt(body []byte, i int) uint64 {
	high, _ := Number(body, 2*i)
	low, _ := Number(body, 2*i+1)
	return uint64(high)<<32 | uint64(low)
}
