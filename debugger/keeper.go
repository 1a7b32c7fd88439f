package debugger

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Config has the needs of a Keeper.
type Config struct {
	Address string   // to listen on: see Listen
	Dir     string   // where go runs, to find `go tool dlv`
	Env     []string // dlv's environment

	// The Keeper's requests, called on its own goroutine, one at a time: none of the functions may wait for the Keeper.
	Want    func(on bool)                 // programs with debug information, whose workers are held; or not any more
	Release func(worker int)              // let a held worker go on
	Halt    func(worker int, halted bool) // the worker is stopped, or runs
	Anew    func()                        // replace the program
	Say     func(text string, bad bool)   // a line for the terminal
}

// Keeper owns the listener for editors, the session and the backends. All methods may be called from any goroutine.
type Keeper struct {
	config   Config
	listener net.Listener
	dir      string // private, for the sockets of backends
	inputs   chan func()
	done     chan struct{}
	closing  sync.Once
	running  sync.WaitGroup // goroutines with connections

	// Owned by the loop.
	session  *session
	remote   *remote
	editor   *outlet         // nil: no editor
	backends map[string]*dlv // by name
}

// Times. Felt right, not measured.
const (
	replayAfter = 2 * time.Second // an editor answers the event `initialized` within milliseconds
	detachLimit = 5 * time.Second // dlv detaches within 50 ms
	dialLimit   = 20 * time.Second
	helloLimit  = 10 * time.Second // for an editor's first message
	expectFor   = time.Minute      // for the user to connect again after a new generation
)

// DefaultAddress is where dlv listens in most editors' settings.
const DefaultAddress = "127.0.0.1:2345"

// ErrNotLoopback: other machines could reach the debugger, and a client of the debugger can run code as this user.
var ErrNotLoopback = errors.New("the debugger listens on this machine only")

// ParseAddress checks an address for editors: PORT, or HOST:PORT with a loopback host.
func ParseAddress(text string) (string, error) {
	if text == "" {
		return "", nil // none
	}
	if _, err := strconv.Atoi(text); err == nil {
		text = "127.0.0.1:" + text
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", fmt.Errorf("%q is not an address", text)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("%q is not a port", port)
	} else {
		port = strconv.FormatUint(n, 10)
	}
	switch host {
	case "", "localhost":
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return "", ErrNotLoopback
	}
	return net.JoinHostPort(host, port), nil
}

// Open listens for editors.
func Open(config Config) (*Keeper, error) {
	listener, err := net.Listen("tcp", config.Address)
	if err != nil {
		return nil, fmt.Errorf("listen for debuggers: %w", err)
	}
	dir, err := os.MkdirTemp("", "hotreload-debugger-")
	if err != nil {
		listener.Close()
		return nil, err
	}
	k := &Keeper{
		config: config, listener: listener, dir: dir, inputs: make(chan func()), done: make(chan struct{}),
		session: newSession(), remote: newRemote(), backends: map[string]*dlv{},
	}
	k.running.Go(k.accept) // ends with the listener
	go k.loop()            // ends in Close
	return k, nil
}

// Address is where editors connect.
func (k *Keeper) Address() string { return k.listener.Addr().String() }

// Held reports a worker waiting before its main. The worker is released in any case.
func (k *Keeper) Held(w Worker) { k.input(func() { k.debugs().held(w) }) }

// Ready reports a serving worker, held before or not.
func (k *Keeper) Ready(w Worker) { k.input(func() { k.debugs().ready(w) }) }

// Exited reports the exit of a worker.
func (k *Keeper) Exited(worker int) {
	k.input(func() { k.session.exited(worker); k.remote.exited(worker) })
}

// Failed reports a generation dead before ready, and the number of the serving generation.
func (k *Keeper) Failed(serving int) { k.input(func() { k.debugs().failed(serving) }) }

// party is the state for a kind of client: session for editors, remote for clients with JSON-RPC.
type party interface {
	connected()
	left()
	held(Worker)
	ready(Worker)
	failed(serving int)
	switchNow() bool
}

// debugs returns the party to be told about workers.
func (k *Keeper) debugs() party {
	if k.remote.active() {
		return k.remote
	}
	return k.session
}

// Note shows a line in the editor's console.
func (k *Keeper) Note(text string, important bool) {
	k.input(func() { k.session.note(text, important) })
}

// Switch makes a waiting generation take over. It returns false if no generation waits.
func (k *Keeper) Switch() bool {
	answer := make(chan bool, 1)
	k.input(func() { answer <- k.debugs().switchNow() })
	select {
	case switched := <-answer:
		return switched
	case <-k.done:
		return false
	}
}

// Disconnect ends the session, so the program continues.
func (k *Keeper) Disconnect() {
	k.input(func() {
		k.session.left()
		k.remote.left()
		k.remote.dismiss()
		k.session.do(hangUp{})
	})
}

// Close ends everything, and returns when all backends are gone.
func (k *Keeper) Close() {
	if k == nil {
		return
	}
	k.closing.Do(func() {
		k.Disconnect()
		k.listener.Close()
		gone := make(chan []*dlv, 1)
		k.input(func() {
			var all []*dlv
			for _, b := range k.backends {
				all = append(all, b)
			}
			gone <- all
		})
		for _, b := range <-gone {
			<-b.gone // after detachLimit at the latest; in the middle of attaching, after dialLimit
		}
		close(k.done)
		k.running.Wait()
		os.RemoveAll(k.dir)
	})
}

func (k *Keeper) input(f func()) {
	select {
	case k.inputs <- f:
	case <-k.done:
	}
}

// loop owns the session.
func (k *Keeper) loop() {
	for {
		select {
		case f := <-k.inputs:
			f()
			for actions := k.take(); len(actions) > 0; actions = k.take() {
				for _, a := range actions {
					k.carryOut(a)
				}
			}
		case <-k.done:
			return
		}
	}
}

func (k *Keeper) take() []action { return append(k.session.take(), k.remote.take()...) }

func (k *Keeper) carryOut(a action) {
	switch a := a.(type) {
	case toEditor:
		if k.editor != nil {
			k.editor.send(a.message)
		}
	case toBackend:
		if b := k.backends[sessionName(a.epoch)]; b != nil && b.out != nil {
			b.out.send(a.message)
		}
	case toClient:
		if k.editor != nil {
			k.editor.write(append(slices.Clip(a.text), '\n'))
		}
	case toHeadless:
		if b := k.backends[remoteName(a.epoch)]; b != nil && b.out != nil {
			b.out.write(append(slices.Clip(a.text), '\n'))
		}
	case startBackend:
		k.running.Go(k.newBackend(a.epoch).run) // ends with dlv
	case startHeadless:
		k.running.Go(k.newHeadless(a.epoch, a.worker.Pid).run) // ends with dlv
	case endBackend:
		if b := k.backends[sessionName(a.epoch)]; b != nil {
			limit := detachLimit
			if a.now {
				limit = 0
			}
			b.end(limit)
		}
	case endHeadless:
		if b := k.backends[remoteName(a.epoch)]; b != nil {
			b.hangUp()
		}
	case hangUp:
		if k.editor != nil {
			k.editor.finish()
			k.editor = nil
		}
	case want:
		k.config.Want(a.on)
	case release:
		k.config.Release(a.worker)
	case halt:
		k.config.Halt(a.worker, a.halted)
	case anew:
		k.config.Anew()
	case fallback:
		time.AfterFunc(replayAfter, func() { k.input(func() { k.session.late(a.epoch) }) })
	case expire:
		time.AfterFunc(expectFor, func() { k.input(func() { k.remote.expired(a.epoch) }) })
	case say:
		k.config.Say(a.text, a.bad)
	}
}

// accept takes the connections of editors and other clients.
func (k *Keeper) accept() {
	for {
		conn, err := k.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			select {
			case <-time.After(10 * time.Millisecond): // no descriptors are free: the editor waits in the queue
			case <-k.done:
				return
			}
		default:
			k.running.Go(func() { k.serve(conn) }) // ends with the connection
		}
	}
}

// query is a request of a client.
type query struct {
	handle func()                        // called by the loop
	refuse func(out *outlet, why string) // answers with an error
}

// serve handles a client's connection. The first byte tells the protocol: the Debug Adapter Protocol begins with a
// header, JSON-RPC with an object.
func (k *Keeper) serve(conn net.Conn) {
	if err := uninvited(conn); err != nil {
		k.config.Say(fmt.Sprintf("a connection to the debugger is refused: %v", err), true)
		conn.Close()
		return
	}
	in := bufio.NewReader(conn)
	_ = conn.SetReadDeadline(time.Now().Add(helloLimit))
	var who party = k.session
	next := k.requests(in)
	if first, err := in.Peek(1); err == nil && first[0] == '{' {
		who, next = k.remote, k.calls(in)
	}
	first, err := next()
	if err != nil {
		conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	out := newOutlet(conn) // closes the connection when all is sent
	defer out.finish()
	k.listen(who, first, next, out)
}

// requests reads requests of the Debug Adapter Protocol.
func (k *Keeper) requests(in *bufio.Reader) func() (query, error) {
	return func() (query, error) {
		m, err := read(in)
		return query{
			handle: func() { k.session.asked(m) },
			refuse: func(out *outlet, why string) { out.send(errorTo(m.Seq, m.Command, why)) },
		}, err
	}
}

// calls reads requests of JSON-RPC.
func (k *Keeper) calls(in *bufio.Reader) func() (query, error) {
	values := json.NewDecoder(in)
	return func() (query, error) {
		var text json.RawMessage
		err := values.Decode(&text)
		return query{
			handle: func() { k.remote.asked(text) },
			refuse: func(out *outlet, why string) { out.write(refusal(text, why)) },
		}, err
	}
}

// listen handles a client's requests, from the first one until the end of the connection.
func (k *Keeper) listen(who party, first query, next func() (query, error), out *outlet) {
	mine := make(chan bool, 1)
	k.input(func() {
		free := k.editor == nil
		if mine <- free; !free {
			return
		}
		k.editor = out
		if who == party(k.session) {
			k.remote.dismiss()
		}
		who.connected()
		first.handle()
	})
	select {
	case taken := <-mine:
		if !taken {
			const why = "another editor is connected, and a program has one debugger at a time"
			k.config.Say("a debugger is refused: "+why, true) // dlv connect does not show the error
			first.refuse(out, why)
			return
		}
	case <-k.done:
		return
	}
	for {
		asked, err := next()
		if err != nil {
			break
		}
		k.input(func() {
			if k.editor == out {
				asked.handle()
			}
		})
	}
	k.input(func() {
		if k.editor == out {
			who.left()
			k.editor = nil
		}
	})
}
