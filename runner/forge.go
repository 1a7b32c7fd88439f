package runner

import (
	"context"
	"reflect"
	"sync"

	"hotreload/gobuild"
)

// forge builds one program for all its services in a Group. Services that want a build at the same time share one. A
// file may change after the build has begun and before another service joins. Each build ends with a check of its
// inputs, so the artifact then has Moved.
type forge struct {
	builder *gobuild.Builder
	closed  chan struct{}

	mu      sync.Mutex // guards all below
	users   int
	noticed bool
	doubts  []chan error
	adopted []chan gobuild.Adopted
	running *making       // the build for others to join; nil if nobody waits for a build
	ended   chan struct{} // closed when the newest build is over
}

// making is a running build.
type making struct {
	program  gobuild.Program
	cancel   context.CancelFunc
	waiting  int
	done     chan struct{}
	artifact *gobuild.Artifact // valid when done is closed; the first taker owns its reference
	err      error
	taken    bool
}

func newForge(cache string) (*forge, error) {
	builder, err := gobuild.NewBuilder(cache)
	if err != nil {
		return nil, err
	}
	f := &forge{builder: builder, closed: make(chan struct{}), ended: make(chan struct{})}
	close(f.ended)
	go func() { // ends with the last user
		for {
			select {
			case doubt := <-builder.Doubts():
				f.mu.Lock()
				for _, user := range f.doubts {
					select {
					case user <- doubt:
					default: // an older doubt waits already
					}
				}
				f.mu.Unlock()
			case news := <-builder.Adopted():
				f.mu.Lock()
				for _, user := range f.adopted {
					select {
					case user <- news:
					default: // the user is ending
					}
				}
				f.mu.Unlock()
			case <-f.closed:
				return
			}
		}
	}()
	return f, nil
}

// use adds a user; the user calls leave at its end.
func (f *forge) use() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users++
}

// subscribe returns a channel of doubts: fast builds, later found to differ from go build.
func (f *forge) subscribe() <-chan error {
	f.mu.Lock()
	defer f.mu.Unlock()
	doubts := make(chan error, 1)
	f.doubts = append(f.doubts, doubts)
	return doubts
}

// subscribeAdopted returns a channel of news about linked programs that the next builds can patch.
func (f *forge) subscribeAdopted() <-chan gobuild.Adopted {
	f.mu.Lock()
	defer f.mu.Unlock()
	adopted := make(chan gobuild.Adopted, 16)
	f.adopted = append(f.adopted, adopted)
	return adopted
}

// notice returns news about the machine for the user, once.
func (f *forge) notice() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.noticed {
		return nil
	}
	f.noticed = true
	return f.builder.Notice()
}

// leave closes the builder when the last user has left.
func (f *forge) leave() {
	f.mu.Lock()
	f.users--
	last := f.users == 0
	f.mu.Unlock()
	if last {
		close(f.closed)
		f.builder.Close()
	}
}

// build builds the program, or joins the running build. A build wanted only by this caller has ended when the function
// returns.
func (f *forge) build(ctx context.Context, p gobuild.Program, g *gobuild.Graph) (*gobuild.Artifact, error) {
	m := f.join(p, g)
	select {
	case <-m.done:
	case <-ctx.Done():
	}
	f.mu.Lock()
	m.waiting--
	if m.waiting == 0 {
		m.cancel()
		if f.running == m {
			f.running = nil // nobody may join a build that is being cancelled
		}
	}
	alone := m.waiting == 0
	f.mu.Unlock()
	if alone {
		<-m.done
	}
	if ctx.Err() != nil {
		if alone {
			f.drop(m)
		}
		return nil, ctx.Err()
	}
	if m.err != nil {
		return nil, m.err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.taken {
		f.builder.Retain(m.artifact)
	}
	m.taken = true
	return m.artifact, nil
}

// drop releases an artifact taken by nobody.
func (f *forge) drop(m *making) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.artifact != nil && !m.taken {
		m.taken = true
		f.builder.Release(m.artifact)
	}
}

// join joins the running build, or begins one when the last build has ended.
func (f *forge) join(p gobuild.Program, g *gobuild.Graph) *making {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.running; m != nil && reflect.DeepEqual(m.program, p) {
		select {
		case <-m.done: // its files may have changed since
		default:
			m.waiting++
			return m
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &making{program: p, cancel: cancel, waiting: 1, done: make(chan struct{})}
	previous := f.ended
	f.running, f.ended = m, m.done
	go func() { // ends with the build; the last waiting caller cancels the build, and waits for its end
		defer close(m.done)
		<-previous
		if ctx.Err() != nil {
			m.err = ctx.Err()
			return
		}
		m.artifact, m.err = f.builder.Build(ctx, p, g)
	}()
	return m
}
