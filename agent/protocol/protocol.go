// Package protocol is the protocol between the agent in a worker and the supervisor. The protocol is documented here
// only, and compiled into both sides.
//
// # The connection
//
// The agent dials a Unix stream socket; the environment has the path and a token. The first connection with a token
// is the worker. Further connections are the worker's kin: the same program, started again by the worker. The
// supervisor sends its requests to a worker and to its kin, and a report counts once all of them have sent the
// report. Both sides send frames:
//
//	kind, 1 byte | version, 1 byte | length of the body, 2 bytes, big endian | body
//
// A body has at most MaxBody bytes; numbers in a body are big endian. An invalid frame is answered with Refused, if
// possible, and the connection is closed. The first frame is Hello. The first bytes of Hello, up to the version, stay
// the same in all versions, so each side can name the other side's version.
//
//	agent                                             supervisor
//	Hello   magic, pid, token             ------->
//	                                      <-------    Welcome  grace, pid of a debugger's ancestor or 0, configuration
//	                                                  for browsers
//	                                                  or   Refused  why
//
//	if Welcome named a pid, the worker may be traced from there, and waits before the program's main:
//	                                      <-------    Go
//
//	at each net.Listen of a stream socket:
//	Way     (Unix paths only)             ------->    has no other worker bind a path until this worker has asked
//	                                      <-------    Way  paths for the worker to remove, each with another name of its
//	                                                  socket, which the worker moves there after the bind; zeros between
//	Ask     path; the bound socket        ------->    also before the first accept on a TCP socket from another source
//	                                      <-------    Listener  error number, id, 1 if with the listening socket;
//	                                                  EALREADY and the id for a socket of --listen
//
//	before the first accept on a listener, with a configuration for browsers, until the answer is 0:
//	Waiting    id                         ------->
//	                                      <-------    Waiting  1 and a connection that waits for a worker, or 0
//
//	at the first accept on a listener:
//	Accepting  id                         ------->
//	when the worker closes a listener:
//	Closed     id                         ------->
//
//	when the worker opens a file, each once, and once more after the first accept; and later evidence:
//	Opened     how, for what, when,       ------->
//	           how often, path, by whom
//	before the worker closes a file that was open for writing, and when a file stays open:
//	Wrote      inode, time, path    ------->
//
//	                                      <-------    Drain  1 if no worker takes over before the end of this one, else
//	                                                  empty
//	Parked                                ------->    no accept is under way and none will come
//	Move    number, id, how; a connection ------->    how 0: an idle connection accepted on that listener; else a
//	                                                  connection with the request of a connection that cannot move
//	                                      <-------    Given  number, 1: now another worker's connection; 0: stays here
//	Moved                                 ------->    no connection is left that waits for a request and could move
//	Quiet                                 ------->    all accepted connections are closed
//	                                      <-------    EndStreams  end all answers that last until one side ends them
//
//	to the worker for the connection:
//	                                      <-------    Offer  number, id, how; the connection
//	Took    number, 1 or 0                ------->    whether the worker can serve the connection
//	                                      <-------    Yours  number, 1: serve the connection; 0: close the connection
//
//	when a browser asks for a path of the supervisor's (/.hotreload/KEY/…):
//	Visit   client, bytes read so far;    ------->    further frames, without a connection, if one frame is too small.
//	        the connection                            The connection is the browser's own, or one end of a pair: the
//	                                                  worker keeps the other end, and passes the bytes on
//	when a document should have a tag, and has none:
//	Untagged   path, why                  ------->
//
//	                                      <-------    Leave: like Drain when no worker takes over
//	Parked                                ------->
//	Idle                                  ------->    no request is being answered
//
//	                                      <-------    Count  id, at any time
//	Counts     id, the counts             ------->
//
// Sockets are passed by SCM_RIGHTS with the first byte of their frame. Listener comes without a socket if the socket
// of Ask has become the listener itself.
//
// No connection is ever served by two workers: the giving worker reads nothing from Move to Given, the taking worker
// serves nothing before Yours, and the supervisor, which sends both, decides once. The giving worker chooses the
// numbers in Move, the supervisor those in Offer.
//
// Leave may also follow Drain; Parked is sent once. If the connection ends, the other side is gone: a worker then
// closes its listeners, finishes its requests, and exits.
package protocol

import "errors"

// Version rises with each change that the other side would not understand.
const Version = 4

// Variables of the agent's environment. The agent removes the first two, and leaves the third to child processes.
const (
	PathVariable  = "HOTRELOAD_AGENT"
	TokenVariable = "HOTRELOAD_AGENT_TOKEN"
	KinVariable   = "HOTRELOAD_KIN"
)

// Magic begins the body of Hello.
const Magic = "hotreload"

// Sizes, in bytes. A body has room for the longest path of a file.
const (
	HeaderSize = 4
	MaxBody    = 4096
)

// Kind is the first byte of a frame.
type Kind byte

// From the agent.
const (
	Hello     Kind = 1
	Unable    Kind = 2 // the reason why there will be no agent; then the connection ends
	Way       Kind = 3 // also the answer
	Ask       Kind = 4
	Accepting Kind = 5
	Closed    Kind = 6
	Parked    Kind = 7
	Quiet     Kind = 8
	Opened    Kind = 9
	Idle      Kind = 10
	Counts    Kind = 11
	Move      Kind = 12
	Took      Kind = 13
	Moved     Kind = 14
	Visit     Kind = 15
	Untagged  Kind = 16
	Waiting   Kind = 17 // also the answer
	Wrote     Kind = 30
)

// From the supervisor.
const (
	Welcome  Kind = 65
	Refused  Kind = 66
	Listener Kind = 67
	Drain    Kind = 68
	Leave    Kind = 69
	Count    Kind = 70

	EndStreams Kind = 71
	Offer      Kind = 72
	Given      Kind = 73
	Yours      Kind = 74
	Go         Kind = 75
)

// Errors of Next.
var (
	ErrTooLong = errors.New("a frame is longer than any can be")
	ErrVersion = errors.New("another version of the protocol")
)

// Append adds a frame to buf. The body must not be longer than MaxBody.
func Append(buf []byte, kind Kind, body []byte) []byte {
	buf = append(buf, byte(kind), Version, byte(len(body)>>8), byte(len(body)))
	return append(buf, body...)
}

// Next takes the first frame off buf. Without an error and with a nil rest, buf does not contain a whole frame yet. A
// frame of another version, or with too large a length, is an error as soon as the header is there.
func Next(buf []byte) (kind Kind, body, rest []byte, err error) {
	if len(buf) < HeaderSize {
		return 0, nil, nil, nil
	}
	if buf[1] != Version {
		return 0, nil, nil, ErrVersion
	}
	length := int(buf[2])<<8 | int(buf[3])
	if length > MaxBody {
		return 0, nil, nil, ErrTooLong
	}
	if len(buf) < HeaderSize+length {
		return 0, nil, nil, nil
	}
	return Kind(buf[0]), buf[HeaderSize : HeaderSize+length], buf[HeaderSize+length:], nil
}

// AppendHello adds a Hello.
func AppendHello(buf []byte, pid int, token string) []byte {
	body := append([]byte(Magic), Numbers(uint32(pid))...)
	return Append(buf, Hello, append(body, token...))
}

// ParseHello reads the body of a Hello.
func ParseHello(body []byte) (pid int, token string, ok bool) {
	if len(body) < len(Magic)+4 || string(body[:len(Magic)]) != Magic {
		return 0, "", false
	}
	body = body[len(Magic):]
	number, _ := Number(body, 0)
	return int(number), string(body[4:]), true
}

// Known contains an agent's counts. HTTP tells whether requests are counted, which needs net/http.
type Known struct {
	Open, Accepted, Goroutines, Heap uint64
	HTTP                             bool
	InFlight, Served                 uint64
}

// Plus returns the sum of two agents' counts.
func (k Known) Plus(l Known) Known {
	return Known{
		Open: k.Open + l.Open, Accepted: k.Accepted + l.Accepted,
		Goroutines: k.Goroutines + l.Goroutines, Heap: k.Heap + l.Heap,
		HTTP: k.HTTP || l.HTTP, InFlight: k.InFlight + l.InFlight, Served: k.Served + l.Served,
	}
}

// CountsBody returns the body of Counts.
func CountsBody(id uint32, k Known) []byte {
	all := []uint64{k.Open, k.Accepted, k.Goroutines, k.Heap}
	if k.HTTP {
		all = append(all, k.InFlight, k.Served)
	}
	body := Numbers(id)
	for _, n := range all {
		body = append(body, Numbers(uint32(n>>32), uint32(n))...)
	}
	return body
}

// ParseCounts reads the body of Counts.
func ParseCounts(body []byte) (id uint32, k Known, ok bool) {
	if len(body) != 4+4*8 && len(body) != 4+6*8 {
		return 0, Known{}, false
	}
	id, _ = Number(body, 0)
	at := func(i int) uint64 {
		high, _ := Number(body, 1+2*i)
		low, _ := Number(body, 2+2*i)
		return uint64(high)<<32 | uint64(low)
	}
	k = Known{Open: at(0), Accepted: at(1), Goroutines: at(2), Heap: at(3)}
	if len(body) == 4+6*8 {
		k.HTTP, k.InFlight, k.Served = true, at(4), at(5)
	}
	return id, k, true
}

// Numbers returns a body of unsigned four-byte numbers.
func Numbers(numbers ...uint32) []byte {
	body := make([]byte, 0, 4*len(numbers))
	for _, n := range numbers {
		body = append(body, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return body
}

// Number returns the i-th number of a body, and false if the body is too short.
func Number(body []byte, i int) (uint32, bool) {
	if len(body) < 4*(i+1) {
		return 0, false
	}
	body = body[4*i:]
	return uint32(body[0])<<24 | uint32(body[1])<<16 | uint32(body[2])<<8 | uint32(body[3]), true
}
