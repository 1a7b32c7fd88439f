// Package wire is what a program that wants a say (package worker) and the supervisor (package exchange) tell each
// other: the one place where it is written down, compiled into both.
//
// # The connection
//
// The program dials a Unix stream socket whose path and token it finds in its environment. One connection is one
// worker. It is another one than the agent's (package protocol), so that it is there for programs without the agent,
// and so that a program built with an older package worker and a newer hotreload can say so to each other. Both sides
// send frames:
//
//	kind, 1 byte | version, 1 byte | length of the body, 4 bytes, big endian | body
//
// What does not keep to this is answered with Refused, where there is somebody to answer, and the connection is closed.
// The first frame is Join; it and the answer are the same in all versions to come.
//
//	program                                           supervisor
//	Join     magic, pid, token            ------->
//	                                      <-------    Welcome  or  Refused  why
//
//	Ready                                 ------->    it serves
//	Retire                                ------->    replace me, then I leave
//	Heed                                  ------->    I have something to do at Drain: wait for Finished
//	Take                                  ------->    I take one message at a time more than before
//	TakeLess                              ------->    one less
//	Say      JSON                         ------->    a message to whoever listens to the supervisor
//	                                      <-------    Heard    of it, or of a Reply
//
//	                                      <-------    Message  id, JSON    no more at a time than are taken
//	Reply    id, JSON                     ------->    any number of them
//	Done     id                           ------->
//
//	                                      <-------    Query    id, whether the asker is privileged
//	Status   id, JSON                     ------->    a Status, or null
//
//	                                      <-------    Reload   the code has changed, and you stay
//	                                      <-------    Drain    finish and leave; said once
//	Finished                              ------->    what there was to do at Drain is done
//
// No more than Window of Say and Reply may be without their Heard: so what else there is to say is not held up by them.
//
// If the connection ends, the other side is gone: for a program that means the same as Drain.
package wire

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Version rises with each change that the other side would not understand.
const Version = 1

// The program's environment. It removes both.
const (
	PathVariable  = "HOTRELOAD_CHANNEL"
	TokenVariable = "HOTRELOAD_CHANNEL_TOKEN"
)

// Magic begins the body of Join.
const Magic = "hotreload worker"

// Sizes, in bytes.
const (
	HeaderSize = 6
	MaxData    = 1 << 20 // of a JSON document
	MaxBody    = MaxData + 4
	MaxJoin    = 256 // of the body of Join, so that a stranger can send no more
)

// Kind is the first byte of a frame.
type Kind byte

// From the program.
const (
	Join     Kind = 1
	Ready    Kind = 2
	Retire   Kind = 3
	Heed     Kind = 4
	Take     Kind = 5
	TakeLess Kind = 6
	Say      Kind = 7
	Reply    Kind = 8
	Done     Kind = 9
	Status   Kind = 10
	Finished Kind = 11
)

// From the supervisor.
const (
	Welcome Kind = 65
	Refused Kind = 66
	Message Kind = 67
	Query   Kind = 68
	Reload  Kind = 69
	Drain   Kind = 70
	Heard   Kind = 71
)

// Window is how many messages a program may have said that were not heard yet. With the longest of them it is what a
// worker can take of the supervisor's memory.
const Window = 16

// Errors of Read, and of those who look at what it has read.
var (
	ErrTooLong = errors.New("a frame is longer than it may be")
	ErrVersion = errors.New("another version of package worker")
	ErrNotJSON = errors.New("what should be JSON is not")
	ErrShort   = errors.New("a frame is too short for its kind")
)

// Append adds a frame to buf. The body must not be longer than MaxBody.
func Append(buf []byte, kind Kind, body []byte) []byte {
	buf = append(buf, byte(kind), Version)
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(body)))
	return append(buf, body...)
}

// Read waits for a frame whose body is not longer than limit. What a frame announces is not believed: memory is taken
// as the bytes come.
func Read(in *bufio.Reader, limit int) (Kind, []byte, error) {
	var header [HeaderSize]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(header[2:])
	switch {
	case header[1] != Version:
		return 0, nil, ErrVersion
	case length > uint32(limit):
		return 0, nil, ErrTooLong
	case length == 0:
		return Kind(header[0]), nil, nil
	}
	body := make([]byte, 0, min(length, 4096))
	for uint32(len(body)) < length {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := io.ReadFull(in, body[len(body):min(cap(body), int(length))])
		body = body[:len(body)+n]
		if err != nil {
			return 0, nil, io.ErrUnexpectedEOF
		}
	}
	return Kind(header[0]), body, nil
}

// AppendJoin adds a Join.
func AppendJoin(buf []byte, pid int, token string) []byte {
	body := binary.BigEndian.AppendUint32([]byte(Magic), uint32(pid))
	return Append(buf, Join, append(body, token...))
}

// ParseJoin reads the body of a Join.
func ParseJoin(body []byte) (pid int, token string, ok bool) {
	rest, ok := strings.CutPrefix(string(body), Magic)
	if !ok || len(rest) < 4 {
		return 0, "", false
	}
	return int(binary.BigEndian.Uint32([]byte(rest))), rest[4:], true
}

// Numbered is a body that begins with a number: Message, Reply, Done, Query, Status.
func Numbered(id uint32, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(data)), id), data...)
}

// ParseNumbered reads it.
func ParseNumbered(body []byte) (id uint32, data []byte, err error) {
	if len(body) < 4 {
		return 0, nil, ErrShort
	}
	return binary.BigEndian.Uint32(body), body[4:], nil
}

// CheckJSON reports what is wrong with a document.
func CheckJSON(data []byte) error {
	switch {
	case len(data) > MaxData:
		return fmt.Errorf("a message has %d bytes, and may have %d", len(data), MaxData)
	case !json.Valid(data):
		return ErrNotJSON
	}
	return nil
}
