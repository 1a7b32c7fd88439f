package supervisor

import (
	"testing"
	"time"
)

// TestWhenStreamsEnd: the policy gives streams half a second, and requests five.
func TestWhenStreamsEnd(t *testing.T) {
	one := Policy{Workers: 1, Grace: 5 * time.Second, StreamGrace: 500 * time.Millisecond}
	two, longer, first := one, one, one
	two.Workers, two.Strategy, two.Surge = 2, Rolling, 1
	longer.StreamGrace = time.Minute
	first.Strategy = StopFirst
	const bothServe = `
			replace by 1 with agent > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
			agent of 1 connects     >
			1 accepts               > 1 is ready: accepts
			agent of 2 connects     >
			2 accepts               > 2 is ready: accepts, generation 1 serves, generation 1 serves alone
`
	for _, c := range []machineCase{
		{"when the new generation serves", one, agentServes + `
			replace by 2 with agent > start 2 of generation 2 in slot 0
			agent of 2 connects     >
			wait 1s                 >
			2 accepts               > 2 is ready: accepts, ask 1 to drain, generation 2 serves
			wait 499ms              >
			wait 1ms                > end streams of 1
			wait 4500ms             > ask 1 to finish
		`},
		{"once", one, agentServes + `
			replace by 2 with agent          > start 2 of generation 2 in slot 0
			agent of 2 connects              >
			2 accepts                        > 2 is ready: accepts, ask 1 to drain, generation 2 serves
			wait 500ms                       > end streams of 1
			1 lets go of its listeners       >
			1 has given away its connections > generation 2 serves alone
			wait 1s                          >
		`},
		{"not if the new generation fails", one, agentServes + `
			replace by 2 with agent > start 2 of generation 2 in slot 0
			agent of 2 connects     >
			2 exits 1               > generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone
			wait 10s                >
		`},
		{"not before the grace, if it is longer", longer, agentServes + `
			replace by 2 with agent > start 2 of generation 2 in slot 0
			agent of 2 connects     >
			2 accepts               > 2 is ready: accepts, ask 1 to drain, generation 2 serves
			wait 5s                 > ask 1 to finish
		`},
		{"not of one without an agent", one, agentServes + `
			replace by 2 with agent > start 2 of generation 2 in slot 0
			agent of 2 connects     >
			2 accepts               > 2 is ready: accepts, ask 1 to drain, generation 2 serves
			agent of 1 is gone      > ask 1 to finish
			wait 1s                 >
		`},
		{"not where the old one leaves first: it ends with it", first, agentServes + `
			replace by 2 with agent > ask 1 to drain
			wait 500ms              > ask 1 to leave
			1 is idle               > ask 1 to finish
			1 exits 0               > 1 exited, start 2 of generation 2 in slot 0
		`},
		{"slot after slot: those of the slot that has changed over", two, bothServe + `
			replace by 2 with agent > start 3 of generation 2 in slot 0
			agent of 3 connects     >
			3 accepts               > 3 is ready: accepts, ask 1 to drain
			wait 500ms              > end streams of 1
			1 has no connections    > ask 1 to finish
			1 exits 0               > 1 exited, start 4 of generation 2 in slot 1
			agent of 4 connects     >
			4 accepts               > 4 is ready: accepts, ask 2 to drain, generation 2 serves
			wait 500ms              > end streams of 2
		`},
		{"of one that another of its generation replaces", one, agentServes + `
			wait 5s             >
			retire 1            > 1 retires, start 2 of generation 1 in slot 0
			agent of 2 connects >
			2 accepts           > 2 is ready: accepts, ask 1 to drain
			wait 499ms          >
			wait 1ms            > end streams of 1
		`},
		{"of a generation before the last, while the next comes", one, agentServes + `
			replace by 2 with agent > start 2 of generation 2 in slot 0
			agent of 2 connects     >
			2 gives its listener    >
			2 accepts               > 2 is ready: accepts, ask 1 to drain, generation 2 serves
			replace by 3 with agent > start 3 of generation 3 in slot 0
			wait 500ms              > end streams of 1
		`},
	} {
		t.Run(c.name, c.run)
	}
}
