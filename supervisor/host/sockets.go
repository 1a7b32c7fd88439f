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

// Sockets are the listeners for which workers have asked. They listen until Close, or until their last user is gone
// and others serve without them.
type Sockets struct {
	mu     sync.Mutex // guards all below, and is held while paths are restored
	all    map[key]*socket
	lastID uint32
	users  map[*guest]*uses
	way    *way // of the one worker between Way and Ask, or nil
}

// way is a worker's right to bind a path: meanwhile, no path is restored.
type way struct {
	of    *guest
	asked int           // number of Way messages less Ask messages
	done  chan struct{} // closed when the right has ended
}

// socket is a listener.
type socket struct {
	id      uint32
	key     key
	fd      int
	address string // with the real number of a port that was 0
	kept    bool   // given by Keep: does not end before Release or Close
	asked   bool   // by a worker's agent, which takes the connections that wait for a worker
	place   *place // of a Unix path, else nil
}

// uses are one worker's listeners.
type uses struct {
	open  map[uint32]*socket // requested and not closed
	zeros map[key]int        // number of requests for port 0, by a key with nth 0
}

// granted is the answer to one Ask.
type granted struct {
	fd      int // a duplicate to send; -1 if the worker's own socket has become the listener, or if there is an error
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

// wayTimeout is how long a worker that is about to bind a path keeps others from the path. Binding takes about 50 µs,
// but with a load of 25 a worker was not scheduled for more than 100 ms in between. After this limit the path is
// restored, and the worker meets "address already in use". The limit is for a worker that is stopped; a worker that
// exits keeps no other worker waiting.
const wayTimeout = 5 * time.Second

// usesLocked returns the listeners of a worker.
func (s *Sockets) usesLocked(g *guest) *uses {
	if s.users[g] == nil {
		s.users[g] = &uses{open: map[uint32]*socket{}, zeros: map[key]int{}}
	}
	return s.users[g]
}

// Keep adds a listener of the supervisor for workers that ask for its address. Keep duplicates the listener, and sets
// the option that lets workers bind beside it.
func (s *Sockets) Keep(listener syscall.Conn) error {
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	fd := -1
	var dupErr error
	if err := raw.Control(func(l uintptr) {
		_ = unix.SetsockoptInt(int(l), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) // Unix sockets do not have this option
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

// Release ends Keep: the listener is then like the listeners of workers, and ends when no worker uses it.
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

// addLocked adds a listener.
func (s *Sockets) addLocked(fd int, name name) *socket {
	s.lastID++
	_ = unix.SetNonblock(fd, true) // like Go's own; Mend reports listeners with a changed mode
	one := &socket{id: s.lastID, key: name.key, fd: fd, address: name.address}
	if name.key.path != "" {
		one.place = takePlace(name.key.path)
	}
	s.all[name.key] = one
	return one
}

// ask finds or makes the listener for a socket bound by a worker, and takes over the descriptor.
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
	if name.key.portless() {
		zero, worker := name.key, s.usesLocked(g.head())
		worker.zeros[zero]++
		name.key.nth = worker.zeros[zero]
	}
	one := s.all[name.key]
	if one != nil && one.place != nil && !one.place.restore(true) {
		// Our socket has lost all its names. The worker's socket has the path now; ours ends with its users.
		s.dropLocked(one)
		one = nil
	}
	defer func() { // after a new listener has its place
		if s.way != nil && s.way.of == g && path != "" {
			if s.way.asked--; s.way.asked == 0 {
				s.endWayLocked()
			}
		}
	}()
	return s.grantLocked(s.usesLocked(g), one, fd, name)
}

// grantLocked gives a worker the listener for its socket. Without a listener (nil), the worker's socket becomes the
// listener.
func (s *Sockets) grantLocked(u *uses, one *socket, fd int, name name) granted {
	got := granted{fd: -1, network: name.key.network, address: name.address}
	listens := isOn(fd, unix.SO_ACCEPTCONN)
	if listens {
		if got.errno = mayShare(fd, one); got.errno != 0 {
			if got.errno == syscall.EALREADY {
				one.asked, got.id = true, one.id
			}
			_ = unix.Close(fd)
			return got
		}
	}
	switch {
	case one == nil:
		if !listens {
			got.errno = s.listenLocked(fd, name)
		} else {
			_ = unix.Listen(fd, 1<<15) // the queue now has as much room as others
		}
		if got.errno != 0 {
			_ = unix.Close(fd)
			return got
		}
		if bound, err := nameOf(fd); err == nil && name.key.path == "" {
			name.address = bound.address // a port requested as 0 has its number now
		}
		one = s.addLocked(fd, name)
		got.adopted = true
	case listens && sameFile(fd, one.fd): // inherited from a worker that has asked for the listener
		_ = unix.Close(fd)
	case u.open[one.id] != nil && !listens: // the same address twice at the same time
		_ = unix.Close(fd)
		got.errno = syscall.EADDRINUSE
		return got
	default:
		_ = unix.Close(fd)
		var err error
		if got.fd, err = unix.FcntlInt(uintptr(one.fd), unix.F_DUPFD_CLOEXEC, 3); err != nil {
			got.fd, got.errno = -1, errnoOf(err)
			return got
		}
		_ = unix.SetNonblock(one.fd, true) // a worker may have made the socket blocking for all
	}
	u.open[one.id], one.asked = one, true
	got.id, got.address = one.id, one.address
	return got
}

// listenLocked makes a bound socket a listener, if no other program uses the address.
func (s *Sockets) listenLocked(fd int, name name) syscall.Errno {
	ours := false // does another listener of ours use this port, on another address?
	for k := range s.all {
		ours = ours || k.port == name.key.port && k.path == ""
	}
	if !ours && name.key.path == "" && !name.key.portless() && !exclusive(fd) {
		return syscall.EADDRINUSE
	}
	// The kernel limits the queue to net.core.somaxconn: connections wait there while no worker accepts.
	if err := unix.Listen(fd, 1<<15); err != nil {
		return errnoOf(err)
	}
	return 0
}

// makeWay prepares for a worker that is about to bind one of our paths. It returns the paths for the worker to
// remove, at the last moment, each followed by another name of the socket, by which the worker restores the path; ""
// if there is no other name. Workers bind one after the other, because a path bound by one worker is in the other's
// way.
func (s *Sockets) makeWay(g *guest) (remove []string) {
	s.mu.Lock()
	for s.way != nil && s.way.of != g {
		done := s.way.done
		s.mu.Unlock()
		<-done // ends soon: wayTimeout
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

// endWayLocked ends the present right to bind.
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

// restoreLocked restores all missing paths; if a worker is about to bind a path, only afterwards.
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

// closed records that a worker has closed a listener. Package net has removed the path, too.
func (s *Sockets) closed(g *guest, id uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.usesLocked(g).open, id)
	s.restoreLocked()
}

// left records the end of a worker, and which workers continue to serve. If one of these uses a socket of ours, all
// unused sockets end; otherwise the next worker will want the sockets.
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

// dropUnusedLocked ends the given listeners that are neither used nor kept.
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

// dropLocked ends a listener on hotreload's side.
func (s *Sockets) dropLocked(one *socket) {
	if one.place != nil {
		one.place.giveUp()
	}
	_ = unix.Close(one.fd)
	delete(s.all, one.key)
}

// Mended is a listener that did not listen any more, after shutdown(2) by a worker, or a listener that a worker had
// switched to blocking mode for all.
type Mended struct {
	Network, Address string
	Blocking         bool
	Err              error // why the listener does not listen again; repair works for TCP, but not for Unix sockets
}

// Mend checks that all listeners listen and do not block, and repairs the others.
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
			s.dropLocked(one) // the next worker's own socket will replace it
		}
	}
	return mended
}

// Addresses lists network and address of each listener, in no order.
func (s *Sockets) Addresses() [][2]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all [][2]string
	for _, one := range s.all {
		all = append(all, [2]string{one.key.network, one.address})
	}
	return all
}

// DropUnused ends the listeners that no worker uses and Keep did not add: a program that cannot ask for them is about
// to bind their addresses.
func (s *Sockets) DropUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropUnusedLocked(slices.Collect(maps.Values(s.all))...)
}

// Inodes lists the system's numbers of the listeners.
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

// Close ends all listeners and removes their paths, if these are still ours.
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

// place is the path of a socket of ours, with a second, hidden name of the same socket.
type place struct {
	path, hidden string
	identity     identity
}

// identity distinguishes our socket's file from another file at the same path.
type identity struct{ device, inode uint64 }

func identify(path string) identity {
	var stat unix.Stat_t
	if unix.Lstat(path, &stat) != nil {
		return identity{}
	}
	return identity{uint64(stat.Dev), stat.Ino}
}

// HiddenPath returns the second name of a socket at this path.
func HiddenPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".hotreload")
}

// takePlace records the file at the path, and adds a second name, after removing a second name left by a killed run.
func takePlace(path string) *place {
	p := &place{path: path, hidden: HiddenPath(path), identity: identify(path)}
	if info, err := os.Lstat(p.hidden); err == nil && info.Mode().Type() == os.ModeSocket {
		_ = os.Remove(p.hidden)
	}
	_ = os.Link(path, p.hidden) // a file system without hard links: leave moves the only name
	return p
}

// leave reports whether the path can be removed: the path and the second name both refer to our socket. Without a
// second name, leave moves the path to that name, which frees the path.
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

// restore makes the path refer to our socket again. A path bound by a worker meanwhile is not ours: only force
// replaces such a path. restore returns false if our socket has no name left.
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
	return os.Rename(between, p.path) == nil // never a no-op: the path was not our socket's name a moment ago
}

// spare adds a third name, to be moved to the path later; "" after a failure.
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
