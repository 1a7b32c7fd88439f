//go:build linux || darwin

package host

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Sockets are the listeners that workers have asked for. They live here, and listen, until Close, or until the last
// worker that used one is gone and others serve without it.
type Sockets struct {
	mu     sync.Mutex // guards all below, and is held while paths are made to lead to us
	all    map[key]*socket
	lastID uint32
	users  map[*guest]*uses
	way    *way // of the one worker that is between Way and Ask, or nil
}

// way is a worker's right to bind a path: as long as it has it no path is made to lead to us again.
type way struct {
	of    *guest
	asked int           // how often it said Way, less how often Ask
	done  chan struct{} // closed when it has it no more
}

// socket is a listener.
type socket struct {
	id      uint32
	key     key
	fd      int
	address string // with the number of a port that was 0
	kept    bool   // given by Keep: it does not end before Release or Close
	place   *place // of a Unix path, else nil
}

// uses is what one worker has from us.
type uses struct {
	open  map[uint32]*socket // asked for and not closed
	zeros map[key]int        // how many ports 0 it has asked for, by a key with nth 0
}

// granted is the answer to one Ask.
type granted struct {
	fd      int // a duplicate to send, -1 if the worker's own socket has become the listener, or with an error
	id      uint32
	errno   syscall.Errno
	network string
	address string
	adopted bool
}

func (g granted) close() {
	if g.fd >= 0 {
		_ = unix.Close(g.fd)
	}
}

func (g granted) err() error {
	if g.errno == 0 {
		return nil
	}
	return g.errno
}

// NewSockets makes an empty store.
func NewSockets() *Sockets {
	return &Sockets{all: map[key]*socket{}, users: map[*guest]*uses{}}
}

// wayTimeout is how long a path may lead nowhere because a worker was about to bind it. Binding takes some 50 µs; this
// is for one that is stopped in between.
const wayTimeout = 100 * time.Millisecond

// usesLocked is what is known of a worker.
func (s *Sockets) usesLocked(g *guest) *uses {
	if s.users[g] == nil {
		s.users[g] = &uses{open: map[uint32]*socket{}, zeros: map[key]int{}}
	}
	return s.users[g]
}

// Keep adds a listener of the supervisor's own, so that workers that ask for its address get it. It is duplicated, and
// given the option that lets workers bind beside it.
func (s *Sockets) Keep(listener syscall.Conn) error {
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	fd := -1
	var dupErr error
	if err := raw.Control(func(l uintptr) {
		_ = unix.SetsockoptInt(int(l), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) // Unix sockets have no such thing
		fd, dupErr = unix.FcntlInt(l, unix.F_DUPFD_CLOEXEC, 3)
	}); err != nil {
		return err
	}
	if dupErr != nil {
		return fmt.Errorf("duplicate the listener: %w", dupErr)
	}
	name, err := nameOf(fd)
	if err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("look at the listener: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := name.key.path
	if path != "" {
		if path, err = filepath.Abs(path); err != nil {
			_ = unix.Close(fd)
			return err
		}
		name.key.path = path
	}
	s.addLocked(fd, name).kept = true
	return nil
}

// Release ends what Keep began: the listener is one of those that workers have asked for, and ends when none of them uses
// it.
func (s *Sockets) Release(listener syscall.Conn) error {
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	var name name
	var nameErr error
	if err := raw.Control(func(l uintptr) { name, nameErr = nameOf(int(l)) }); err != nil {
		return err
	}
	if nameErr != nil {
		return fmt.Errorf("look at the listener: %w", nameErr)
	}
	if name.key.path != "" {
		if name.key.path, err = filepath.Abs(name.key.path); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.all[name.key]; one != nil {
		one.kept = false
		s.dropUnusedLocked(one)
	}
	return nil
}

// addLocked enters a listener.
func (s *Sockets) addLocked(fd int, name name) *socket {
	s.lastID++
	_ = unix.SetNonblock(fd, true) // as Go's are; Mend tells of those that do not stay so
	one := &socket{id: s.lastID, key: name.key, fd: fd, address: name.address}
	if name.key.path != "" {
		one.place = takePlace(name.key.path)
	}
	s.all[name.key] = one
	return one
}

// ask finds or makes the listener for a socket that a worker has bound. The descriptor is ours from here on.
func (s *Sockets) ask(g *guest, fd int, path string) granted {
	name, err := nameOf(fd)
	if err == nil && (name.key.path != "") != (path != "") {
		err = syscall.EINVAL
	}
	if err != nil {
		_ = unix.Close(fd)
		return granted{fd: -1, errno: errnoOf(err)}
	}
	if path != "" {
		name.key.path, name.address = filepath.Clean(path), path
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.usesLocked(g)
	if name.key.portless() {
		zero := name.key
		u.zeros[zero]++
		name.key.nth = u.zeros[zero]
	}
	got := granted{fd: -1, network: name.key.network, address: name.address}
	one := s.all[name.key]
	if one != nil && one.place != nil && !one.place.restore(true) {
		// Our socket has lost all its names. The worker's has this one; ours ends with those who hold it.
		s.dropLocked(one)
		one = nil
	}
	defer func() { // when a new one has its place
		if s.way != nil && s.way.of == g && path != "" {
			if s.way.asked--; s.way.asked == 0 {
				s.endWayLocked()
			}
		}
	}()
	switch {
	case one == nil:
		if got.errno = s.listenLocked(fd, name); got.errno != 0 {
			_ = unix.Close(fd)
			return got
		}
		if bound, err := nameOf(fd); err == nil && path == "" {
			name.address = bound.address // a port that was 0 has its number now
		}
		one = s.addLocked(fd, name)
		got.adopted = true
	case u.open[one.id] != nil: // twice the same address, at the same time
		_ = unix.Close(fd)
		got.errno = syscall.EADDRINUSE
		return got
	default:
		_ = unix.Close(fd)
		if got.fd, err = unix.FcntlInt(uintptr(one.fd), unix.F_DUPFD_CLOEXEC, 3); err != nil {
			got.fd, got.errno = -1, errnoOf(err)
			return got
		}
		_ = unix.SetNonblock(one.fd, true) // a worker may have made it blocking for all
	}
	u.open[one.id] = one
	got.id, got.address = one.id, one.address
	return got
}

// listenLocked makes a bound socket a listener, if the address is free but for ourselves.
func (s *Sockets) listenLocked(fd int, name name) syscall.Errno {
	ours := false // do we listen on that port ourselves, on another address?
	for k := range s.all {
		ours = ours || k.port == name.key.port && k.path == ""
	}
	if !ours && name.key.path == "" && !name.key.portless() && !exclusive(fd) {
		return syscall.EADDRINUSE
	}
	// The kernel makes it what net.core.somaxconn allows: callers wait there while no worker accepts.
	if err := unix.Listen(fd, 1<<15); err != nil {
		return errnoOf(err)
	}
	return 0
}

// makeWay prepares for a worker that is about to bind one of our paths, and has not bound it yet: it returns those that
// the worker is to remove itself, at the last moment, each followed by another name of the socket, "" if there is none,
// with which the worker brings it back. Workers do so one after the other: what one has bound is in the other one's way.
func (s *Sockets) makeWay(g *guest) (remove []string) {
	s.mu.Lock()
	for s.way != nil && s.way.of != g {
		done := s.way.done
		s.mu.Unlock()
		<-done // has an end: wayTimeout
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	if s.way == nil {
		w := &way{of: g, done: make(chan struct{})}
		s.way = w
		time.AfterFunc(wayTimeout, func() { // may run after Close, when there is nothing to do
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.way == w {
				s.endWayLocked()
			}
		})
	}
	s.way.asked++
	u := s.usesLocked(g)
	for _, one := range s.all {
		if one.place != nil && u.open[one.id] == nil && one.place.leave() {
			remove = append(remove, one.place.path, one.place.spare())
		}
	}
	return remove
}

// endWayLocked ends the way that somebody has.
func (s *Sockets) endWayLocked() {
	close(s.way.done)
	s.way = nil
	s.restoreLocked()
	for _, one := range s.all {
		if one.place != nil {
			one.place.dropSpare()
		}
	}
}

// restoreLocked makes all paths lead to us that lead nowhere, unless a worker is about to bind one; then it is done
// after that.
func (s *Sockets) restoreLocked() {
	if s.way != nil {
		return
	}
	for _, one := range s.all {
		if one.place != nil {
			one.place.restore(false)
		}
	}
}

// closed notes that a worker has closed a listener. Package net removes the path with it.
func (s *Sockets) closed(g *guest, id uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.usesLocked(g).open, id)
	s.restoreLocked()
}

// left notes that a worker is gone, and who serves on. If any of them does so with a socket of ours, then what nobody
// uses any more ends; else the next worker will want it.
func (s *Sockets) left(g *guest, serving []*guest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.users, g)
	if s.way != nil && s.way.of == g {
		s.endWayLocked()
	}
	s.restoreLocked()
	if slices.ContainsFunc(serving, func(other *guest) bool { return len(s.usesLocked(other).open) > 0 }) {
		s.dropUnusedLocked(slices.Collect(maps.Values(s.all))...)
	}
}

// dropUnusedLocked ends those of these that nobody uses, and that are not kept.
func (s *Sockets) dropUnusedLocked(these ...*socket) {
	used := map[uint32]bool{}
	for _, u := range s.users {
		for id := range u.open {
			used[id] = true
		}
	}
	for _, one := range these {
		if !used[one.id] && !one.kept {
			s.dropLocked(one)
		}
	}
}

// dropLocked ends a listener, as far as it depends on us.
func (s *Sockets) dropLocked(one *socket) {
	if one.place != nil {
		one.place.giveUp()
	}
	_ = unix.Close(one.fd)
	delete(s.all, one.key)
}

// Mended is a listener that had stopped to listen, because a worker had called shutdown(2) on it, or that a worker had
// made blocking for all.
type Mended struct {
	Network, Address string
	Blocking         bool
	Err              error // why it does not listen again; the kernel does it for TCP and not for Unix sockets
}

// Mend looks whether the listeners still listen and do not block, and sees to it that they do so again.
func (s *Sockets) Mend() (mended []Mended) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if flags, err := unix.FcntlInt(uintptr(one.fd), unix.F_GETFL, 0); err == nil && flags&unix.O_NONBLOCK == 0 {
			_ = unix.SetNonblock(one.fd, true)
			mended = append(mended, Mended{Network: one.key.network, Address: one.address, Blocking: true})
		}
		if state, err := unix.GetsockoptInt(one.fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || state != 0 {
			continue
		}
		err := unix.Listen(one.fd, 1<<15)
		mended = append(mended, Mended{Network: one.key.network, Address: one.address, Err: err})
		if err != nil {
			s.dropLocked(one) // the next worker's own socket will do
		}
	}
	return mended
}

// Addresses lists network and address of what is listened on, in no order.
func (s *Sockets) Addresses() [][2]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all [][2]string
	for _, one := range s.all {
		all = append(all, [2]string{one.key.network, one.address})
	}
	return all
}

// DropUnused ends the listeners that no worker uses, but for those that were given by Keep: somebody who cannot ask for
// them is about to want their addresses.
func (s *Sockets) DropUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropUnusedLocked(slices.Collect(maps.Values(s.all))...)
}

// Inodes lists the numbers under which the listeners are known to the system.
func (s *Sockets) Inodes() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []uint64
	for _, one := range s.all {
		var stat unix.Stat_t
		if unix.Fstat(one.fd, &stat) == nil {
			all = append(all, stat.Ino)
		}
	}
	return all
}

// Close ends all listeners and removes their paths, where they still lead to us.
func (s *Sockets) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		s.dropLocked(one)
	}
	clear(s.users)
	if s.way != nil {
		s.endWayLocked()
	}
}

// place is a path that leads to a socket of ours, and a second, hidden name of the same socket.
type place struct {
	path, hidden string
	identity     identity
}

// identity tells our socket's file from one that was put in its place.
type identity struct{ device, inode uint64 }

func identify(path string) identity {
	var stat unix.Stat_t
	if unix.Lstat(path, &stat) != nil {
		return identity{}
	}
	return identity{uint64(stat.Dev), stat.Ino}
}

// HiddenPath is the second name of a socket that a path leads to.
func HiddenPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".hotreload")
}

// takePlace notes to what the path leads now, and gives it a second name. What a killed run has left there goes.
func takePlace(path string) *place {
	p := &place{path: path, hidden: HiddenPath(path), identity: identify(path)}
	if info, err := os.Lstat(p.hidden); err == nil && info.Mode().Type() == os.ModeSocket {
		_ = os.Remove(p.hidden)
	}
	_ = os.Link(path, p.hidden) // a file system without hard links: leave moves the only name
	return p
}

// leave reports whether the path can be removed: it leads to us, and so does our second name. Without a second name the
// path is moved there, and is free.
func (p *place) leave() (remove bool) {
	if identify(p.path) != p.identity {
		return false
	}
	if identify(p.hidden) == p.identity {
		return true
	}
	_ = os.Rename(p.path, p.hidden)
	return false
}

// restore makes the path lead to us again. If it leads to something else it does so only by force, which is for when a
// worker has bound that. It is false if our socket has no name left.
func (p *place) restore(force bool) bool {
	now := identify(p.path)
	if now == p.identity {
		return true
	}
	if identify(p.hidden) != p.identity {
		return false
	}
	if now != (identity{}) && !force {
		return true
	}
	between := p.spare()
	if between == "" {
		return os.Rename(p.hidden, p.path) == nil
	}
	return os.Rename(between, p.path) == nil // never a no-op: it was not our socket's name just now
}

// spare makes a third name, for the time until it is moved to the path; "" if that cannot be.
func (p *place) spare() string {
	name := p.hidden + "~"
	_ = os.Remove(name)
	if os.Link(p.hidden, name) != nil {
		return ""
	}
	return name
}

func (p *place) dropSpare() {
	if name := p.hidden + "~"; identify(name) == p.identity {
		_ = os.Remove(name)
	}
}

// giveUp removes the names that are still ours.
func (p *place) giveUp() {
	p.dropSpare()
	for _, path := range []string{p.path, p.hidden} {
		if identify(path) == p.identity {
			_ = os.Remove(path)
		}
	}
}
