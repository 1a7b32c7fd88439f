//go:build !linux && !darwin

package host

import (
	"errors"
	"syscall"
	"time"
)

// There is no agent for this system, so everything here is empty.
type (
	Host    struct{}
	Sockets struct{}
	Mended  struct {
		Network, Address string
		Blocking         bool
		Err              error
	}
)

func New(string, time.Duration, *Sockets, func(Event)) (*Host, error) {
	return nil, errors.ErrUnsupported
}
func (*Host) AllowUser(int)                 {}
func (*Host) Browser(func(int) Browser)     {}
func (*Host) Admit(int, int) []string       { return nil }
func (*Host) Hold(int)                      {}
func (*Host) Release(int) bool              { return false }
func (*Host) Forget(int)                    {}
func (*Host) Drain(int) bool                { return false }
func (*Host) DrainAlone(int) bool           { return false }
func (*Host) Leave(int) bool                { return false }
func (*Host) EndStreams(int) bool           { return false }
func (*Host) Count(int, uint32) bool        { return false }
func (*Host) AwaitLast(int, time.Duration)  {}
func (*Host) Close()                        {}
func NewSockets() *Sockets                  { return &Sockets{} }
func (*Sockets) Keep(syscall.Conn) error    { return errors.ErrUnsupported }
func (*Sockets) Release(syscall.Conn) error { return nil }
func (*Sockets) Mend() []Mended             { return nil }
func (*Sockets) Addresses() [][2]string     { return nil }
func (*Sockets) DropUnused()                {}
func (*Sockets) Inodes() []uint64           { return nil }
func HiddenPath(string) string              { return "" }
func (*Sockets) Close()                     {}
