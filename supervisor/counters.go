package supervisor

import (
	"maps"
	"strconv"
	"time"

	"hotreload/supervisor/inspect"
	"hotreload/worker/wire"
)

// Counter is a number about a service or one of its workers. Programs can define their own counters.
type Counter = wire.Counter

// Gauge is a counter that rises and falls, with minimum 0.
func Gauge(name string, value float64, unit string) Counter {
	return Counter{Name: name, Value: value, Unit: unit, Min: new(float64)}
}

// Total is a counter that only rises.
func Total(name string, value float64) Counter {
	return Counter{Name: name, Value: value, Unit: "c", Min: new(float64)}
}

// Limited is a Gauge with a maximum.
func Limited(name string, value, most float64) Counter {
	c := Gauge(name, value, "")
	c.Max = &most
	return c
}

// Counters reads the system's counters of the workers with these pids, including their child processes, and the number
// of connections in the accept queues of the service. Unknown values are missing. Counters takes some tenths of a
// millisecond for each worker, and does not block the loop for that time.
func (s *Supervisor) Counters(pids []int) (service []Counter, workers map[int][]Counter) {
	workers = map[int][]Counter{}
	for _, pid := range pids {
		if bytes, spent, known := inspect.Usage(pid); known {
			workers[pid] = []Counter{
				Gauge("rss", float64(bytes), "B"),
				{Name: "cpu", Value: spent.Seconds(), Unit: "s", Min: new(float64)},
			}
		}
	}
	if waiting, known := s.queue(); known {
		service = append(service, Gauge("queue", float64(waiting), ""))
	}
	return service, workers
}

// listeningInput asks the loop for the inodes of its listening sockets.
type listeningInput struct{ answer chan<- map[inspect.Inode]bool }

func (in listeningInput) happen(l *loop, _ time.Time) {
	ours := maps.Clone(l.sockets.inherited)
	if l.agents != nil {
		for _, number := range l.agents.sockets.Inodes() {
			ours[inspect.Inode(strconv.FormatUint(number, 10))] = true
		}
	}
	in.answer <- ours
}

// queue returns the number of connections in the accept queues.
func (s *Supervisor) queue() (waiting int, known bool) {
	answer := make(chan map[inspect.Inode]bool, 1)
	s.send(listeningInput{answer})
	select {
	case ours := <-answer:
		return inspect.Queued(ours)
	case <-s.done:
		return 0, false
	}
}
