package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"hotreload/runner"
	"hotreload/supervisor"
)

// reply writes an answer, or why there is none.
func reply(w http.ResponseWriter, answer any, err error) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case errors.Is(err, ErrBad):
		w.WriteHeader(http.StatusBadRequest)
	case err != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if err != nil {
		answer = failure{err.Error()}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// Public is how things stand for those who have no token: nothing of the source, the machine or its processes.
type Public struct {
	Services []PublicService `json:"services"`
}

// PublicService is one service in Public.
type PublicService struct {
	Name    string `json:"name"`
	Phase   string `json:"phase"`
	Serving int    `json:"serving"` // generation
	Stale   bool   `json:"stale"`
	Wanted  int    `json:"wanted"` // workers
	Ready   int    `json:"ready"`
}

func publicOf(all []runner.Status) Public {
	public := Public{Services: []PublicService{}}
	for _, s := range all {
		one := PublicService{Name: s.Name, Phase: s.Phase, Serving: s.Serving, Stale: s.Stale, Wanted: s.Wanted}
		for _, w := range s.Workers {
			if w.State == supervisor.Ready.String() || w.State == supervisor.Stable.String() {
				one.Ready++
			}
		}
		public.Services = append(public.Services, one)
	}
	return public
}

// writeTimeout is how long a client may take to read a line of a stream.
const writeTimeout = 10 * time.Second

// stream writes news, a line of JSON each, until one side has enough. The last lines of output come first, if the client
// asks for them; with follow=0 they are all.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, wanted func(r *http.Request, n News) bool) {
	query := r.URL.Query()
	targets, err := s.run.Find(query.Get("to"))
	if err != nil {
		reply(w, nil, bad(err))
		return
	}
	for _, t := range targets {
		if err := t.Check(r.Context()); err != nil {
			reply(w, nil, bad(err))
			return
		}
	}
	of := map[string]int{}
	for _, t := range targets {
		of[t.Name()] = t.Slot
	}
	last, _ := strconv.Atoi(query.Get("last"))
	l := s.journal.listen(last, func(n News) bool {
		slot, known := of[n.Service]
		return wanted(r, n) && known && (slot == supervisor.AllSlots || n.Worker != nil && n.Worker.Slot == slot)
	})
	defer s.journal.leave(l)
	w.Header().Set("Content-Type", "application/x-ndjson")
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if control.Flush() != nil {
		return
	}
	encoder := json.NewEncoder(w)
	for follow := query.Get("follow") != "0"; ; {
		if !follow && len(l.news) == 0 {
			return
		}
		select {
		case n := <-l.news:
			_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
			if encoder.Encode(n) != nil || len(l.news) == 0 && control.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.ended:
			return
		}
	}
}

// Connection is a connection of a worker.
type Connection struct {
	Service    string `json:"service"`
	Slot       int    `json:"slot"`
	Generation int    `json:"generation"`
	Pid        int    `json:"pid"`
	Network    string `json:"network"`
	Local      string `json:"local"`
	Remote     string `json:"remote"`
	State      string `json:"state"`
	Unread     int    `json:"unread"` // bytes that wait for the worker
	Unsent     int    `json:"unsent"` // bytes that wait for the other side
}

// Connections is the answer to who is connected.
type Connections struct {
	Known       bool         `json:"known"` // false: the system does not tell
	Connections []Connection `json:"connections"`
}

func (s *Server) connections(ctx context.Context, targets []runner.Target) (Connections, error) {
	answer := Connections{Connections: []Connection{}, Known: true}
	states, err := s.run.Status(ctx, targets)
	if err != nil {
		return answer, err
	}
	for i, state := range states {
		for _, w := range state.Workers {
			if targets[i].Slot != supervisor.AllSlots && targets[i].Slot != w.Slot {
				continue
			}
			all, known := supervisor.Connections(w.Pid)
			answer.Known = answer.Known && known
			for _, c := range all {
				answer.Connections = append(answer.Connections, Connection{
					Service: state.Name, Slot: w.Slot, Generation: w.Generation, Pid: w.Pid,
					Network: c.Network, Local: c.Local, Remote: c.Remote, State: c.State, Unread: c.Unread, Unsent: c.Unsent,
				})
			}
		}
	}
	return answer, nil
}
