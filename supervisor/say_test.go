//go:build unix

package supervisor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The programs in testdata/say import hotreload/worker: each is one of EXSyst's three kinds of worker.

// answer is a worker's reply.
type answer struct {
	Worker, Pid, Generation int
	Error                   string
}

// ask sends a message and expects one reply.
func (s *service) ask(slot int, message string) (a answer, from Worker, err error) {
	replies := 0
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	from, err = s.Send(ctx, slot, []byte(message), func(_ Worker, reply []byte) {
		replies++
		if json.Unmarshal(reply, &a) != nil {
			a.Error = string(reply)
		}
	})
	if err == nil && (replies != 1 || a.Error != "") {
		err = fmt.Errorf("%d replies: %s", replies, a.Error)
	}
	return a, from, err
}

// TestDedicated: one worker gets numbers while it is replaced again and again. None is lost or counted twice. Each
// generation finishes, writes its sum and exits by itself.
func TestDedicated(t *testing.T) {
	for _, agent := range []bool{false, true} {
		t.Run(fmt.Sprint("agent ", agent), func(t *testing.T) {
			plan := build(t, "say/dedicated", agent)
			file := filepath.Join(t.TempDir(), "sum.txt")
			s := start(t, Config{Args: []string{file}, Agents: agent})
			s.replaceWith(plan)
			const numbers, every = 60, 10
			for i := range numbers {
				if i%every == every/2 { // the next messages are sent during the replacement
					s.replaceWith(plan)
				}
				if _, _, err := s.ask(AllSlots, fmt.Sprintf(`{"number":%d}`, i+1)); err != nil {
					t.Fatalf("number %d: %v", i+1, err)
				}
			}
			s.Stop()
			if !s.waitEnd(limit) {
				t.Fatal("the supervisor does not stop")
			}
			text, err := os.ReadFile(file)
			must(t, err)
			have, want := 0, numbers*(numbers+1)/2
			for line := range strings.Lines(string(text)) {
				var generation, sum int
				if _, err := fmt.Sscanf(line, "generation %d: %d", &generation, &sum); err != nil {
					t.Fatal(err)
				}
				have += sum
			}
			if have != want {
				t.Errorf("have %d, want %d; the workers wrote\n%s", have, want, text)
			}
			for _, e := range s.all() {
				if e, ok := e.(Exited); ok && !e.Exit.Success() {
					t.Errorf("worker %+v ended by %v, want an exit by itself", e.Worker, e.Exit)
				}
			}
		})
	}
}

// TestPool: each message goes to an idle worker, so none waits behind a slow one. All workers get their share. No
// message is lost while workers are replaced or retire.
func TestPool(t *testing.T) {
	plan := build(t, "say/pool", true)
	s := start(t, Config{Policy: Policy{Workers: 4, Strategy: Parallel, Grace: time.Second}, Agents: true})
	await(s, serving(s.replaceWith(plan)))

	// Three workers are busy for longer than the test takes.
	ctx, cancel := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	for slot := range 3 {
		busy.Go(func() { _, _ = s.Send(ctx, slot, []byte(`{"wait":"1h"}`), func(Worker, []byte) {}) })
	}
	eventually(t, "three workers are busy: ", func() string {
		return s.busy(3)
	})
	for range 10 {
		if a, _, err := s.ask(AllSlots, `{}`); err != nil || a.Worker != 3 {
			t.Fatalf("worker %d answers, %v; want the idle worker 3", a.Worker, err)
		}
	}
	cancel()
	busy.Wait()
	await(s, serving(s.replaceWith(plan))) // the busy workers have to be killed

	const senders, each = 8, 120 // more than four workers process before they retire, in each generation
	var mu sync.Mutex            // guards the next two
	by := map[int]int{}
	generations := map[int]int{}
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for range each {
				a, _, err := s.ask(AllSlots, `{"file":"harness_test.go"}`)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				by[a.Worker]++
				generations[a.Generation]++
				answered := 0
				for _, n := range generations {
					answered += n
				}
				mu.Unlock()
				if answered == senders*each/2 {
					s.replaceWith(plan)
				}
			}
		})
	}
	all.Wait()
	if len(by) != 4 || len(generations) != 2 {
		t.Errorf("answers by slots %v, generations %v; want 4 slots and 2 generations", by, generations)
	}
	retired := 0
	for _, e := range s.all() {
		if _, ok := e.(Retiring); ok {
			retired++
		}
	}
	if retired == 0 {
		t.Error("no worker asked for its replacement")
	}
}

// TestDedicatedControl: if workers are killed, the messages that TestDedicated counts are lost.
func TestDedicatedControl(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sum.txt")
	s := start(t, Config{Args: []string{file}})
	s.replaceWith(build(t, "say/dedicated", false))
	if _, _, err := s.ask(AllSlots, `{"number":7}`); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	s.waitEnd(limit)
	if text, err := os.ReadFile(file); err == nil {
		t.Errorf("the killed worker has written %q", text)
	}
}

// TestShared: one worker with many clients. All clients read what one writes, also after the worker was replaced.
func TestShared(t *testing.T) {
	for _, agent := range []bool{false, true} {
		t.Run(fmt.Sprint("agent ", agent), func(t *testing.T) {
			plan := build(t, "say/shared", agent)
			address := freePort(t)
			config := Config{Args: []string{address, filepath.Join(t.TempDir(), "board")}, Agents: agent}
			if !agent { // then the program uses LISTEN_FDS
				a, err := ParseAddress(address)
				must(t, err)
				config.Listen = []Address{a}
			}
			s := start(t, config)
			await(s, serving(s.replaceWith(plan)))
			const clients = 10
			var boards []*bufio.Reader
			join := func(generation int) (writers []net.Conn) {
				boards = nil
				for range clients {
					conn, err := net.Dial("tcp", address)
					must(t, err)
					t.Cleanup(func() { conn.Close() })
					must(t, conn.SetDeadline(time.Now().Add(limit)))
					boards, writers = append(boards, bufio.NewReader(conn)), append(writers, conn)
				}
				for _, b := range boards {
					readTo(t, b, fmt.Sprintf("generation %d", generation))
				}
				return writers
			}
			first := join(1)
			for i, w := range first {
				fmt.Fprintf(w, "from %d\n", i)
				for _, b := range boards {
					readTo(t, b, fmt.Sprintf("from %d", i))
				}
			}

			accounts := s.Inquire(t.Context(), 0, false)
			if len(accounts) != 1 || accounts[0].Status == nil || accounts[0].Status.Text != "10 clients" ||
				len(accounts[0].Status.Counters) != 1 {
				t.Errorf("unprivileged clients get %+v", accounts)
			}
			accounts = s.Inquire(t.Context(), 0, true)
			client := first[0].LocalAddr().String()
			if len(accounts) != 1 || accounts[0].Status == nil || !strings.Contains(accounts[0].Status.Text, client) ||
				len(accounts[0].Status.Counters) != 2 || accounts[0].Status.Counters[1].Value != clients {
				t.Errorf("privileged clients get %+v", accounts)
			}
			if counters := accounts[0].Counters; agent && value(counters, "connections") != clients {
				t.Errorf("the agent counts %+v", counters)
			}

			if m := await(s, func(m Message) bool { return m.Worker.Generation == 1 }); string(m.Data) != `{"line":"from 0"}` {
				t.Errorf("the message is %s", m.Data)
			}
			if told := s.Tell(); len(told) != 1 {
				t.Errorf("Tell returned %+v", told)
			}
			for _, b := range boards {
				readTo(t, b, "the code has changed")
			}

			s.replaceWith(plan)
			for _, b := range boards {
				readTo(t, b, "bye")
			}
			await(s, replaced(2))
			if again := join(2); len(again) != clients {
				t.Error("not all clients connected again")
			}
		})
	}
}

// busy returns how many workers are processing a message, if the number is not the wanted one.
func (s *service) busy(want int) string {
	have := 0
	for _, a := range s.Inquire(s.t.Context(), AllSlots, true) {
		have += int(value(a.Counters, "messages"))
	}
	if have == want {
		return ""
	}
	return fmt.Sprint(have)
}

func value(counters []Counter, name string) float64 {
	for _, c := range counters {
		if c.Name == name {
			return c.Value
		}
	}
	return -1
}

// readTo reads lines until the wanted one.
func readTo(t *testing.T, b *bufio.Reader, want string) {
	t.Helper()
	for {
		line, err := b.ReadString('\n')
		if err != nil {
			t.Fatalf("no line %q: %v", want, err)
		}
		if strings.TrimSpace(line) == want {
			return
		}
	}
}

// TestMessagesAndWhatBecomesOfThem: the sender of a message learns how it ended.
func TestMessagesAndWhatBecomesOfThem(t *testing.T) {
	plan := build(t, "say/pool", false)
	s := start(t, Config{Policy: Policy{Workers: 2}})
	send := func(ctx context.Context, slot int, text string) error {
		_, err := s.Send(ctx, slot, []byte(text), func(Worker, []byte) {})
		return err
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := send(over, AllSlots, `{}`); !errors.Is(err, ErrNobody) {
		t.Errorf("without a worker: have %v", err)
	}
	await(s, serving(s.replaceWith(plan)))

	// Its worker dies.
	lost := make(chan error)
	go func() { lost <- send(t.Context(), 1, `{"wait":"1h"}`) }() // ends below
	eventually(t, "a worker is busy: ", func() string { return s.busy(1) })
	s.Signal(syscall.SIGKILL, 1)
	if err := <-lost; !errors.Is(err, ErrLost) {
		t.Errorf("the worker was killed: have %v", err)
	}

	// A broadcast: the new worker in slot 1 gets the message when it accepts messages.
	eventually(t, "two take messages: ", func() string {
		all := s.Broadcast(t.Context(), []byte(`{}`), func(Worker, []byte) {})
		for _, d := range all {
			if d.Err != nil {
				t.Error(d)
			}
		}
		if len(all) != 2 || all[0].Worker.Slot == all[1].Worker.Slot {
			return fmt.Sprint(all)
		}
		return ""
	})

	// More messages than can wait.
	var full, cancelled int
	var mu sync.Mutex // guards both
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	for range 2 + maxWaiting + 5 {
		all.Go(func() {
			err := send(ctx, AllSlots, `{"wait":"1h"}`)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, ErrFull):
				if full++; full == 5 {
					stop()
				}
			case errors.Is(err, context.Canceled):
				cancelled++
			}
		})
	}
	all.Wait()
	if full != 5 || cancelled != 2+maxWaiting {
		t.Errorf("%d messages were too many and %d were cancelled, want 5 and %d", full, cancelled, 2+maxWaiting)
	}
	s.Kill()
	s.waitEnd(limit)
	if err := send(t.Context(), AllSlots, `{}`); !errors.Is(err, ErrEnded) {
		t.Errorf("after the end: have %v", err)
	}
}

// TestUnresponsive: a stopped worker does not delay the answers of others, and is reported as unresponsive.
func TestUnresponsive(t *testing.T) {
	plan := build(t, "say/pool", true)
	s := start(t, Config{Policy: Policy{Workers: 2}, Agents: true})
	await(s, serving(s.replaceWith(plan)))
	eventually(t, "", func() string {
		for _, a := range s.Inquire(t.Context(), AllSlots, false) {
			if a.Unresponsive {
				return "one does not answer"
			}
		}
		return ""
	})
	s.Signal(syscall.SIGSTOP, 1)
	eventually(t, "", func() string { // the worker's threads stop one after the other, so it may answer once more
		if a := s.Inquire(t.Context(), 1, false); len(a) != 1 || !a[0].Unresponsive {
			return fmt.Sprintf("it is stopped and answers: %+v", a)
		}
		return ""
	})
	id := 0
	for range 2 { // the worker remains unresponsive
		accounts := s.Inquire(t.Context(), AllSlots, false)
		slices.SortFunc(accounts, func(a, b Account) int { return a.Worker.Slot - b.Worker.Slot })
		if len(accounts) != 2 || accounts[0].Unresponsive || value(accounts[0].Counters, "goroutines") < 1 ||
			!accounts[1].Unresponsive {
			t.Errorf("have %+v", accounts)
		}
		id = accounts[len(accounts)-1].Worker.ID
	}
	s.Halt(id, true) // like a debugger
	if a := s.Inquire(t.Context(), 1, false); len(a) != 1 || a[0].Unresponsive {
		t.Errorf("a debugger has stopped it, and it is reported as %+v", a)
	}
	s.Halt(id, false)
	s.Signal(syscall.SIGCONT, 1)
	eventually(t, "", func() string {
		if a := s.Inquire(t.Context(), 1, false); len(a) != 1 || a[0].Unresponsive {
			return fmt.Sprintf("it goes on and does not answer: %+v", a)
		}
		return ""
	})
}
