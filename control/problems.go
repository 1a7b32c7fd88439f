package control

import (
	"context"
	"net/url"
	"slices"

	"hotreload/problems"
	"hotreload/runner"
)

// Problems is the list of what is wrong with the code as it is.
type Problems struct {
	Problems []Problem `json:"diagnostics"`
}

// Problem is one problem in the code.
type Problem struct {
	Services []string `json:"services,omitempty"` // that have it; missing for a service without a name
	problems.Problem
}

// problems lists the problems in the code; with wait=1 when the saved code serves or has failed.
func (s *Server) problems(r *request) (any, error) {
	ask := s.run.LookAt
	if r.query.Get("wait") == "1" {
		ask = s.run.Await
	}
	states, err := ask(r.Context(), r.targets)
	return Problems{problemsOf(states)}, err
}

// problemsOf lists the problems of services, each once: services may share code.
func problemsOf(states []runner.Status) []Problem {
	all := []Problem{}
	for _, state := range states {
		for _, p := range state.Problems {
			one := Problem{Problem: p}
			if state.Name != "" {
				one.Services = []string{state.Name}
			}
			all = merged(all, one)
		}
	}
	return all
}

// merged adds a problem to a list, or its services to those of the same problem.
func merged(all []Problem, p Problem) []Problem {
	i := slices.IndexFunc(all, func(other Problem) bool { return other.Problem == p.Problem })
	if i < 0 {
		return append(all, p)
	}
	for _, name := range p.Services {
		if !slices.Contains(all[i].Services, name) {
			all[i].Services = append(slices.Clip(all[i].Services), name)
		}
	}
	return all
}

// Problems lists what is wrong with the code of services ("" for all) as it is: at once, or when the saved code serves
// or has failed.
func (c *Client) Problems(ctx context.Context, names []string, wait bool) ([]Problem, error) {
	all := []Problem{}
	for _, name := range names {
		query := url.Values{"to": {name}}
		if wait {
			query.Set("wait", "1")
		}
		var answer Problems
		if err := c.get(ctx, "/v1/problems?"+query.Encode(), &answer); err != nil {
			return nil, err
		}
		for _, p := range answer.Problems {
			all = merged(all, p)
		}
	}
	return all, nil
}
