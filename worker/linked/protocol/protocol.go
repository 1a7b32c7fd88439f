// Package protocol is what the agent in a worker and the supervisor say to each other: the one place where it is
// written down, compiled into both.
//
// # The connection
//
// The agent dials a Unix stream socket whose path and token it finds in its environment. One connection is one worker.
// Both sides send frames:
//
//	kind, 1 byte | version, 1 byte | length of the body, 2 bytes, big endian | body
//
// A body has at most MaxBody bytes; numbers in it are big endian. What does not keep to this is answered with Refused,
// where there is somebody to answer, and the connection is closed. The first frame is Hello; its first bytes, up to the
// version, are the same in all versions to come, so that each side can name what the other one speaks.
//
//	agent                                             supervisor
//	Hello   magic, pid, token             ------->
//	                                      <-------    Welcome  grace      or   Refused  why
//
//	at each net.Listen of a stream socket:
//	Way     (Unix paths only)             ------->    has no other worker bind a path until this one has asked
//	                                      <-------    Way  paths for the worker to remove, each with another name of its
//	                                                  socket, which it moves there when it has bound it; zeros between all
//	Ask     path; the bound socket        ------->
//	                                      <-------    Listener  error number, id; the listening socket
//
//	at the first accept on a listener:
//	Accepting  id                         ------->
//	when it closes one:
//	Closed     id                         ------->
//
//	when it opens a file, each once, and once more after the first accept:
//	Opened     how, when, path            ------->
//
//	                                      <-------    Drain
//	Parked                                ------->    no accept is under way and none will come
//	Quiet                                 ------->    all accepted connections are closed
//
//	                                      <-------    Leave, which is Drain when nobody takes over
//	Parked                                ------->
//	Idle                                  ------->    no request is being answered
//
//	                                      <-------    Count  id, at any time
//	Counts     id, what is counted        ------->
//
// Sockets travel by SCM_RIGHTS with the first byte of their frame. Listener comes without a socket if the one that was
// sent with Ask has become the listener itself.
//
// Leave may also follow Drain; Parked is said once. If the connection ends, the other side is gone: a worker gives up
// its listeners, finishes the requests that it is answering, and leaves.
package protocol

import "errors"

// Version rises with each change that the other side would not understand.
const Version = 1

// The agent's environment. It removes both.
const (
	PathVariable  = "HOTRELOAD_AGENT"
	TokenVariable = "HOTRELOAD_AGENT_TOKEN"
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
	Unable    Kind = 2 // why there will be no agent; the connection ends
	Way       Kind = 3 // also the answer
	Ask       Kind = 4
	Accepting Kind = 5
	Closed    Kind = 6
	Parked    Kind = 7
	Quiet     Kind = 8
	Opened    Kind = 9
	Idle      Kind = 10
	Counts    Kind = 11
)

// How a file was opened, the first byte of Opened, as far as can be told.
const (
	ToRead        byte = 1
	ToReadOrWrite byte = 2
	ToWrite       byte = 4
)

// From the supervisor.
const (
	Welcome  Kind = 65
	Refused  Kind = 66
	Listener Kind = 67
	Drain    Kind = 68
	Leave    Kind = 69
	Count    Kind = 70
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

// Next takes the first frame off buf. Without an error and with rest nil, buf is not a whole frame yet. A frame of
// another version is an error as soon as its header is there; a header that announces too much is, too.
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

// OpenedBody is the body of Opened: how, the time in nanoseconds since 1970, and the path.
func OpenedBody(how byte, at int64, path string) []byte {
	body := append([]byte{how}, Numbers(uint32(uint64(at)>>32), uint32(at))...)
	return append(body, path...)
}

// ParseOpened reads it.
func ParseOpened(body []byte) (how byte, at int64, path string, ok bool) {
	if len(body) < 10 {
		return 0, 0, "", false
	}
	high, _ := Number(body[1:], 0)
	low, _ := Number(body[1:], 1)
	return body[0], int64(uint64(high)<<32 | uint64(low)), string(body[9:]), true
}

// Known is what an agent counts. HTTP says whether it counts requests, which it does where net/http is linked.
type Known struct {
	Open, Accepted, Goroutines, Heap uint64
	HTTP                             bool
	InFlight, Served                 uint64
}

// CountsBody is the body of Counts.
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

// ParseCounts reads it.
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

// Numbers is a body of unsigned numbers of four bytes.
func Numbers(numbers ...uint32) []byte {
	body := make([]byte, 0, 4*len(numbers))
	for _, n := range numbers {
		body = append(body, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return body
}

// Number is the i-th number of a body, and false if it has not as many.
func Number(body []byte, i int) (uint32, bool) {
	if len(body) < 4*(i+1) {
		return 0, false
	}
	body = body[4*i:]
	return uint32(body[0])<<24 | uint32(body[1])<<16 | uint32(body[2])<<8 | uint32(body[3]), true
}
