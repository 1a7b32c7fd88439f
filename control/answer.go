package control

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"hotreload/runner"
	"hotreload/supervisor"
	"hotreload/supervisor/inspect"
)

// reply writes an answer or an error.
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

// Public is the state for clients without a token. It contains nothing about the source, the machine or its processes.
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

	BuildOnly bool `json:"build_only"` // the program is built but not run
}

// PublicOf returns the public part of states.
func PublicOf(all []runner.Status) Public {
	public := Public{Services: []PublicService{}}
	for _, s := range all {
		one := PublicService{Name: s.Name, Phase: s.Phase, Serving: s.Serving, Stale: s.Stale, Wanted: s.Wanted,
			BuildOnly: s.BuildOnly}
		for _, w := range s.Workers {
			if w.State == supervisor.Ready.String() || w.State == supervisor.Stable.String() {
				one.Ready++
			}
		}
		public.Services = append(public.Services, one)
	}
	return public
}

// writeTimeout limits the time that a client takes to read a line of a stream.
const writeTimeout = 10 * time.Second

// isEvent and isOutput select the news of a stream.
func isEvent(r *request, n News) bool { return n.Event != "output" || r.query.Get("output") == "1" }

func isOutput(_ *request, n News) bool { return n.Event == "output" || n.Event == "dropped" }

// streamOf writes news, a line of JSON each, until one side ends. On request the last lines of output come first; with
// follow=0 only these.
func (s *Server) streamOf(wanted func(r *request, n News) bool) handler {
	return func(w http.ResponseWriter, r *request) {
		of := map[string]int{}
		for _, t := range r.targets {
			of[t.Name()] = t.Slot
		}
		last, _ := strconv.Atoi(r.query.Get("last"))
		l := s.journal.listen(last, func(n News) bool {
			slot, known := of[n.Service]
			if n.Service == "" && !known { // about hotreload as a whole
				slot, known = supervisor.AllSlots, true
			}
			return wanted(r, n) && known && (slot == supervisor.AllSlots || n.Worker != nil && n.Worker.Slot == slot)
		})
		defer s.journal.leave(l)
		s.pass(w, r, l.news)
	}
}

// pass writes news to a client without delay; with follow=0 only the news so far.
func (s *Server) pass(w http.ResponseWriter, r *request, news <-chan News) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if control.Flush() != nil {
		return
	}
	encoder := json.NewEncoder(w)
	for follow := r.query.Get("follow") != "0"; ; {
		if !follow && len(news) == 0 {
			return
		}
		select {
		case n := <-news:
			_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
			if encoder.Encode(n) != nil || len(news) == 0 && control.Flush() != nil {
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
	Unread     int    `json:"unread"` // bytes not yet read by the worker
	Unsent     int    `json:"unsent"` // bytes not yet acknowledged by the other side
}

// Connections is the list of the workers' connections.
type Connections struct {
	Known       bool         `json:"known"` // false: the system cannot list connections
	Connections []Connection `json:"connections"`
}

func (s *Server) connections(r *request) (any, error) {
	answer := Connections{Connections: []Connection{}, Known: true}
	states, err := s.run.Status(r.Context(), r.targets)
	if err != nil {
		return nil, err
	}
	for i, state := range states {
		for _, w := range state.Workers {
			if slot := r.targets[i].Slot; slot != supervisor.AllSlots && slot != w.Slot {
				continue
			}
			all, known := inspect.Connections(w.Pid)
			answer.Known = answer.Known && known
			for _, c := range all {
				answer.Connections = append(answer.Connections, Connection{
					Service: state.Name, Slot: w.Slot, Generation: w.Generation, Pid: w.Pid,
					Network: c.Network, Local: c.Local, Remote: c.Remote, State: c.State,
					Unread: c.Unread, Unsent: c.Unsent,
				})
			}
		}
	}
	return answer, nil
}
