// Package wire is the protocol between a program with package worker and the supervisor (package exchange). It is
// documented here only, and compiled into both sides.
//
// # The connection
//
// The program dials a Unix stream socket; its environment has the path and a token. One connection is one worker. The
// agent has another connection (package protocol), so this one also exists in programs without the agent; and if a
// program was built with another version of package worker, both sides can report the difference. Both sides send
// frames:
//
//	kind, 1 byte | version, 1 byte | length of the body, 4 bytes, big endian | body
//
// An invalid frame is answered with Refused, if possible, and the connection is closed. The first frame is Join. Join
// and its answer stay the same in all versions.
//
//	program                                           supervisor
//	Join     magic, pid, token            ------->
//	                                      <-------    Welcome  or  Refused  why
//
//	Ready                                 ------->    the worker serves
//	Retire                                ------->    replace me, then I exit
//	Heed                                  ------->    at Drain, wait for my Finished
//	Take                                  ------->    I accept one message more at a time
//	TakeLess                              ------->    one less
//	Say      JSON                         ------->    a message to the readers of the supervisor's events
//	                                      <-------    Heard    of a Say or a Reply
//
//	                                      <-------    Message  id, JSON    no more at a time than accepted
//	Reply    id, JSON                     ------->    any number of them
//	Done     id                           ------->
//
//	                                      <-------    Query    id, whether the client is privileged
//	Status   id, JSON                     ------->    a Status, or null
//
//	                                      <-------    Reload   the code has changed, and this worker stays
//	                                      <-------    Drain    finish and exit; sent once
//	Finished                              ------->    the work at Drain is done
//
// At most Window frames of Say and Reply may be without their Heard, so these frames do not delay others.
//
// If the connection ends, the other side is gone. For a program this means the same as Drain.
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

// Version rises with each incompatible change.
const Version = 1

// Variables of the program's environment. The program removes both.
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
	MaxJoin    = 256 // of the body of Join: the limit for connections without a token
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

// Window limits the unacknowledged messages of a program. Together with the largest message, Window limits the
// supervisor's memory per worker.
const Window = 16

// Errors of Read, and of functions that parse its results.
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

// Read waits for a frame with a body up to limit. Read does not trust the announced length: memory is allocated as the
// bytes arrive.
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

// Numbered returns a body with a number in front: Message, Reply, Done, Query, Status.
func Numbered(id uint32, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(data)), id), data...)
}

// ParseNumbered parses the result of Numbered.
func ParseNumbered(body []byte) (id uint32, data []byte, err error) {
	if len(body) < 4 {
		return 0, nil, ErrShort
	}
	return binary.BigEndian.Uint32(body), body[4:], nil
}

// CheckJSON returns the fault of a document.
func CheckJSON(data []byte) error {
	switch {
	case len(data) > MaxData:
		return fmt.Errorf("a message has %d bytes, and may have %d", len(data), MaxData)
	case !json.Valid(data):
		return ErrNotJSON
	}
	return nil
}
