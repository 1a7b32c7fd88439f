package worker

import (
	"encoding/json"
	"iter"
	"os"
	"os/signal"
	"syscall"

	"hotreload/worker/wire"
)

// Message is a message to this worker.
type Message struct {
	Data json.RawMessage

	id   uint32
	line *line
}

// Decode reads the message into v, like json.Unmarshal.
func (m Message) Decode(v any) error { return json.Unmarshal(m.Data, v) }

// Reply sends v, as JSON, to the sender of the message. It may be called several times, until the loop asks for the
// next message.
func (m Message) Reply(v any) error {
	data, err := document(v)
	if err == nil && m.line != nil {
		err = m.line.post(wire.Reply, wire.Numbered(m.id, data))
	}
	return err
}

// Messages returns messages one at a time: the next one comes when the loop asks for it. The loop ends when the worker
// should finish and exit. Without hotreload no message comes, and the loop ends with the first SIGINT or SIGTERM.
func Messages() iter.Seq[Message] {
	return func(yield func(Message) bool) {
		l := join()
		if l == nil {
			alone := make(chan os.Signal, 1)
			signal.Notify(alone, os.Interrupt, syscall.SIGTERM)
			<-alone
			signal.Stop(alone)
			return
		}
		l.begin()
		defer l.end()
		for {
			m, more := l.receive()
			if !more {
				return
			}
			goOn := yield(Message{Data: m.data, id: m.id, line: l})
			_ = l.say(wire.Done, wire.Numbered(m.id, nil))
			if !goOn {
				return
			}
		}
	}
}

// receive waits for a message, or the end. Messages sent before the end have arrived by then.
func (l *line) receive() (message, bool) {
	select {
	case m := <-l.inbox:
		return m, true
	default:
	}
	select {
	case m := <-l.inbox:
		return m, true
	case <-l.draining:
	}
	select {
	case m := <-l.inbox:
		return m, true
	default:
		return message{}, false
	}
}

func (l *line) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loops++
	l.heedLocked()
	_ = l.say(wire.Take, nil)
}

func (l *line) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loops--
	_ = l.say(wire.TakeLess, nil)
	l.finishLocked()
}
