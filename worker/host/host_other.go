//go:build !linux && !darwin

package host

import (
	"errors"
	"syscall"
	"time"
)

// There is no agent for this system, so nothing here is ever more than empty.
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
func (*Host) Admit(int) []string            { return nil }
func (*Host) Forget(int)                    {}
func (*Host) Drain(int) bool                { return false }
func (*Host) Leave(int) bool                { return false }
func (*Host) Count(int, uint32) bool        { return false }
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
