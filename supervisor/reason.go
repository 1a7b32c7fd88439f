package supervisor

// Reason is why a program can only run alone, so that old workers exit before new ones start. The zero Reason is none.
type Reason struct {
	Kind ReasonKind `json:"kind"`
	What string     `json:"what,omitempty"` // the file, the address, or the program's words
}

// ReasonKind is the kind of such a Reason.
type ReasonKind string

const (
	ByLock    ReasonKind = "lock"    // a file that only one process can lock
	ByFile    ReasonKind = "file"    // a file that must not exist before the program creates it
	ByAddress ReasonKind = "address" // an address bound by the program without the supervisor
	ByWords   ReasonKind = "words"   // the program says that another instance runs
	BySilence ReasonKind = "silence" // the worker waits, but for nothing visible

	ByFarewell ReasonKind = "farewell" // a file of the successor, removed by an exiting worker
)

// IsZero reports whether there is no reason.
func (r Reason) IsZero() bool { return r == Reason{} }

// key returns the common part of two such reasons: the program's words differ in times and numbers.
func (r Reason) key() Reason {
	if r.Kind == ByWords {
		r.What = ""
	}
	return r
}

func (r Reason) String() string {
	switch r.Kind {
	case ByLock:
		return "only one can lock " + r.What
	case ByFile:
		return r.What + " may be there only once"
	case ByAddress:
		if r.What == "?" {
			return "the program binds its address itself"
		}
		return "the program binds " + r.What + " itself"
	case ByWords:
		return "beside another the program says: " + r.What
	case ByFarewell:
		return "when it exits the program removes " + r.What + ", which the next worker has created by then"
	case BySilence:
		return "the program does not become ready while another worker runs"
	}
	return ""
}
