package runner

import (
	"os"
	"time"

	"hotreload/gobuild"
)

// programs are the binaries to start: named by the state, or run by a generation. The loop owns them.
//
// Invariant: each artifact here, and each artifact of a generation, holds one reference in the builder. release ends
// the reference. An artifact named neither by the state nor by a generation is released.
type programs struct {
	builder     *gobuild.Builder // nil in tests
	artifacts   map[string]*gobuild.Artifact
	generations map[int]*generation
	deliveries  deliveries

	failure *buildResult  // of the newest failed build
	took    spent         // by the newest build; zero if already reported
	ran     time.Duration // duration of the commands of rules, when they last ran alone
	way     string        // how the newest build was done

	plain  map[string]bool // reported reasons for building without the agent
	beside bool            // the event Beside was sent
}

// spent is how long a build took, with the commands of rules before it, and parts of it.
type spent struct {
	total time.Duration
	steps gobuild.Steps
}

// generation is the record of a generation for the news.
type generation struct {
	artifact *gobuild.Artifact
	cause    Replacement
	ordered  time.Time
	began    time.Time // of the first change for this generation; zero without a change
}

func newPrograms(builder *gobuild.Builder) programs {
	return programs{
		builder: builder, artifacts: map[string]*gobuild.Artifact{}, generations: map[int]*generation{},
		deliveries: deliveries{results: make(chan delivery)}, plain: map[string]bool{},
	}
}

// add takes the result of a build.
func (p *programs) add(artifact *gobuild.Artifact, took time.Duration) {
	p.took = spent{took, artifact.Steps}
	if p.artifacts[artifact.ID] != nil {
		p.release(artifact) // a reference is held already
	} else {
		p.artifacts[artifact.ID] = artifact
	}
}

// prune releases the programs that no rule can name any more.
func (p *programs) prune(s state) {
	for id, artifact := range p.artifacts {
		held := s.held != nil && s.held.artifact == id
		if id != s.built && !held {
			delete(p.artifacts, id)
			p.release(artifact)
		}
	}
}

// begin stores a generation, and returns it. The program is held until end.
func (p *programs) begin(number int, id string, effects []Effect, began, now time.Time) *generation {
	g := &generation{
		artifact: p.artifacts[id], ordered: now, began: began,
		cause: Replacement{Generation: number, Effects: effects, Build: p.took.total, Steps: p.took.steps},
	}
	p.took = spent{}
	p.retain(g.artifact)
	p.generations[number] = g
	return g
}

// end releases the program of a generation without workers.
func (p *programs) end(number int) {
	if g := p.generations[number]; g != nil {
		delete(p.generations, number)
		p.release(g.artifact)
	}
}

// reloaded is the news that a generation serves, or is delivered.
func (g *generation) reloaded(now time.Time) Reloaded {
	news := Reloaded{Replacement: g.cause, Start: now.Sub(g.ordered)}
	if !g.began.IsZero() {
		news.Total = now.Sub(g.began)
	}
	return news
}

// gone reports whether the file of a program was removed.
func (p *programs) gone(id string) bool {
	artifact := p.artifacts[id]
	if artifact == nil {
		return false
	}
	_, err := os.Stat(artifact.Path)
	return err != nil
}

// longestGrace returns how long a worker may take to exit: workers with an agent are asked twice.
func (p *programs) longestGrace(grace time.Duration) time.Duration {
	for _, g := range p.generations {
		if g.artifact.Agent {
			return 2 * grace
		}
	}
	return grace
}

// agent reports whether a generation has the agent.
func (p *programs) agent(number int) bool {
	g := p.generations[number]
	return g != nil && g.artifact.Agent
}

func (p *programs) retain(artifact *gobuild.Artifact) {
	if p.builder != nil {
		p.builder.Retain(artifact)
	}
}

func (p *programs) release(artifact *gobuild.Artifact) {
	if p.builder != nil {
		p.builder.Release(artifact)
	}
}
