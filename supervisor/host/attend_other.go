//go:build !linux

package host

import "net"

// Attendant does nothing here: callers wait in the kernel's queue.
type Attendant struct{}

// Verdict is judge's decision about a connection.
type Verdict uint8

const (
	Unclear Verdict = iota
	Wait
	Answer
)

// Attend does nothing.
func (*Host) Attend(func([]byte) Verdict, func(net.Conn), bool) *Attendant { return &Attendant{} }

// Requeue does nothing.
func (*Host) Requeue() {}

// Leave does nothing.
func (*Attendant) Leave() {}
