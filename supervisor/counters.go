package supervisor

import "hotreload/worker/wire"

// Counter is a number about a service or one of its workers, who may have some of their own.
type Counter = wire.Counter

// Gauge is a counter that rises and falls, from 0 on.
func Gauge(name string, value float64, unit string) Counter {
	return Counter{Name: name, Value: value, Unit: unit, Min: new(float64)}
}

// Total is a counter that only rises.
func Total(name string, value float64) Counter {
	return Counter{Name: name, Value: value, Unit: "c", Min: new(float64)}
}

// Limited is a Gauge with a greatest value.
func Limited(name string, value, most float64) Counter {
	c := Gauge(name, value, "")
	c.Max = &most
	return c
}

// Counters reads what the system knows of the workers, by their pids, each with its family of processes; and of how many
// connections wait to be accepted at the service's sockets. What the system does not tell is missing. It takes some
// tenths of a millisecond for each worker, and does not hold up anybody.
func (s *Supervisor) Counters(pids []int) (service []Counter, workers map[int][]Counter) {
	workers = map[int][]Counter{}
	for _, pid := range pids {
		if bytes, spent, known := usageOf(pid); known {
			workers[pid] = []Counter{Gauge("rss", float64(bytes), "B"), {Name: "cpu", Value: spent.Seconds(), Unit: "s", Min: new(float64)}}
		}
	}
	if waiting, known := s.queue(); known {
		service = append(service, Gauge("queue", float64(waiting), ""))
	}
	return service, workers
}

// listeningInput asks the loop for the inodes of the sockets that we listen on.
type listeningInput struct{ answer chan<- map[inode]bool }

func (listeningInput) input() {}

// queue is how many connections wait to be accepted.
func (s *Supervisor) queue() (waiting int, known bool) {
	answer := make(chan map[inode]bool, 1)
	s.send(listeningInput{answer})
	select {
	case ours := <-answer:
		return waitingAt(ours)
	case <-s.done:
		return 0, false
	}
}
