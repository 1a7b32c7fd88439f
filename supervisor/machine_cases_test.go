package supervisor

// Cases of the machine. See machine_test.go for the language.

type machineCase struct {
	name   string
	policy Policy
	want   string // the steps, and the machine's actions after each
}

// How cases begin.
const (
	// oneServes: one worker says that it is ready.
	oneServes = `
		replace by 1 > start 1 of generation 1 in slot 0
		1 says ready > 1 is ready: said so, generation 1 serves, generation 1 serves alone
`
	// oneListens: one worker listens.
	oneListens = `
		replace by 1 > start 1 of generation 1 in slot 0
		1 listens    > 1 is ready: listens, generation 1 serves, generation 1 serves alone
`
	// oneRuns: of one worker only the age is known.
	oneRuns = `
		replace by 1 > start 1 of generation 1 in slot 0
		wait 1s      > 1 is ready: alive, generation 1 serves, generation 1 runs alone
`
	// twoServe: two workers say that they are ready.
	twoServe = `
		replace by 1 > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		1 says ready > 1 is ready: said so
		2 says ready > 2 is ready: said so, generation 1 serves, generation 1 serves alone
`
	// agentServes: one worker with an agent accepts.
	agentServes = `
		replace by 1 with agent > start 1 of generation 1 in slot 0
		agent of 1 connects     >
		1 gives its listener    >
		1 accepts               > 1 is ready: accepts, generation 1 serves, generation 1 serves alone
`
)

var machineCases = []machineCase{
	{"first start", parallel2, `
		replace by 1 > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		1 says ready > 1 is ready: said so
		2 says ready > 2 is ready: said so, generation 1 serves, generation 1 serves alone
	`},
	{"first start by age", parallel1, `
		replace by 1 > start 1 of generation 1 in slot 0
		wait 1s      > 1 is ready: alive, generation 1 serves, generation 1 runs alone
	`},
	{"halted by a debugger: the start has all the time", parallel1, `
		replace by 1 > start 1 of generation 1 in slot 0
		1 is halted  >
		wait 1h      >
		1 runs on    >
		wait 1s      > 1 is ready: alive, generation 1 serves, generation 1 runs alone
	`},
	{"halted by a debugger: its own time is not lost", notify1, `
		replace by 1 > start 1 of generation 1 in slot 0
		wait 9s      >
		1 is halted  >
		wait 1h      >
		1 runs on    >
		wait 20s     >
		wait 1s      > kill 1
	`},
	{"halted by a debugger: the next generation waits, and so does the one that serves", parallel1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		agent of 2 connects     >
		2 is halted             >
		1 is halted             >
		wait 1h                 >
		1 runs on               >
		2 runs on               >
		2 accepts               > 2 is ready: accepts, ask 1 to drain, generation 2 serves
	`},
	{"halted by a debugger: superseded before its main", parallel1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		2 is halted             >
		replace by 3 with agent > kill 2, start 3 of generation 3 in slot 0
		2 is killed             > 2 exited, generation 2 is gone
	`},
	{"halted by a debugger: the grace stands still", parallel1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		2 says ready            > 2 is ready: said so, ask 1 to drain, generation 2 serves
		1 is halted             >
		wait 1h                 >
		1 runs on               >
		wait 5s                 > end streams of 1, ask 1 to finish
	`},
	{"halted by a debugger: limits wait", aged1, agentServes + `
		1 is halted                 >
		wait 1h                     >
		1 holds 100 bytes           >
		1 has answered 100 requests >
		1 runs on                   >
		1 holds 100 bytes           > 1 retires, start 2 of generation 1 in slot 0
	`},
	{"a debugger has it: not suspected, and its start timeout stands still", parallel1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		agent of 2 connects     >
		2 sleeps in a lock      >
		2 is traced             >
		wait 1h                 >
		2 is let go             >
		wait 500ms              > try 2 alone: lock, ask 1 to drain
	`},
	{"a debugger has it: what was left of its start timeout is left", notify1, `
		replace by 1 > start 1 of generation 1 in slot 0
		wait 9s      >
		1 is traced  >
		wait 1h      >
		1 is let go  >
		wait 20s     >
		wait 2s      > kill 1
	`},
	{"a debugger has it, and it runs: it may age to be ready", parallel1, `
		1 is traced  >
		replace by 1 > start 1 of generation 1 in slot 0
		wait 1s      > 1 is ready: alive, generation 1 serves, generation 1 runs alone
	`},
	{"a debugger has stopped it: it does not age", parallel1, `
		1 is stopped >
		replace by 1 > start 1 of generation 1 in slot 0
		wait 1h      >
		1 is let go  >
		wait 1s      > 1 is ready: alive, generation 1 serves, generation 1 runs alone
	`},
	{"a debugger has stopped it: its own port is no sign", parallel1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		2 is stopped            >
		2 listens               >
		wait 1h                 >
		2 is let go             >
		agent of 2 connects     >
		2 accepts               > 2 is ready: accepts, ask 1 to drain, generation 2 serves
	`},
	{"halted by a debugger: a person who asks for another worker gets it", parallel1, agentServes + `
		1 is halted > 
		retire 1    > 1 retires, start 2 of generation 1 in slot 0
	`},
	{"halted by a debugger: a stop lets it run", parallel1, agentServes + `
		1 is halted >
		stop        > ask 1 to leave
		1 is halted >
		wait 5s     > ask 1 to finish
		wait 5s     > grace of 1 is over, kill 1
	`},
	{"kill before the first plan", parallel1, `
		kill > stopped
	`},
	{"stop before the first plan", parallel1, `
		stop > stopped
	`},
	{"parallel: the old leave when all new are ready", parallel2, twoServe + `
		replace by 2               > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 says ready               > 3 is ready: said so
		4 says ready               > 4 is ready: said so, ask 1 to finish, ask 2 to finish, generation 2 serves
		1 lets go of its listeners >
		2 lets go of its listeners > generation 2 serves alone
		1 exits 0                  > 1 exited
		2 exits 0                  > 2 exited, generation 1 is gone
	`},
	{"parallel: one of the new dies", parallel2, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 says ready > 3 is ready: said so
		4 exits 1    > generation 2 failed and 1 serves, 4 exited unexpectedly, ask 3 to finish
		3 exits 0    > 3 exited, generation 2 is gone
		wait 1s      >
	`},
	{"parallel: one of the new dies while the other starts", parallel2, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		4 exits 1    > generation 2 failed and 1 serves, 4 exited unexpectedly, kill 3
		3 is killed  > 3 exited, generation 2 is gone
	`},
	{"parallel: an old one dies meanwhile and is not needed", parallel2, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		1 exits 1    > 1 exited unexpectedly
		3 says ready > 3 is ready: said so
		4 says ready > 4 is ready: said so, ask 2 to finish, generation 2 serves
		2 exits 0    > 2 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"parallel: an old one dies meanwhile, and then the new", parallel2, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		1 exits 1    > 1 exited unexpectedly
		3 says ready > 3 is ready: said so
		4 exits 1    > generation 2 failed and 1 serves, 4 exited unexpectedly, start 5 of generation 1 in slot 0
		5 says ready > 5 is ready: said so, ask 3 to finish
		3 exits 0    > 3 exited, generation 1 serves alone, generation 2 is gone
	`},
	{"parallel: superseded before ready", parallel1, oneServes + `
		replace by 2 > start 2 of generation 2 in slot 0
		replace by 3 > kill 2, start 3 of generation 3 in slot 0
		2 is killed  > 2 exited, generation 2 is gone
		3 says ready > 3 is ready: said so, ask 1 to finish, generation 3 serves
		1 exits 0    > 1 exited, generation 3 serves alone, generation 1 is gone
	`},
	{"parallel: superseded when half ready", parallel2, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 says ready > 3 is ready: said so
		replace by 3 > kill 4, start 5 of generation 3 in slot 0, start 6 of generation 3 in slot 1, ask 3 to finish
		4 is killed  > 4 exited
		3 exits 0    > 3 exited, generation 2 is gone
		5 says ready > 5 is ready: said so
		6 says ready > 6 is ready: said so, ask 1 to finish, ask 2 to finish, generation 3 serves
	`},
	{"parallel: superseded while the old drain", parallel1, oneServes + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish, generation 2 serves
		replace by 3 > start 3 of generation 3 in slot 0
		3 says ready > 3 is ready: said so, ask 2 to finish, generation 3 serves
		1 exits 0    > 1 exited, generation 1 is gone
		2 exits 0    > 2 exited, generation 3 serves alone, generation 2 is gone
	`},
	{"the failed one falls back to what serves, not to the first", parallel1, oneServes + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish, generation 2 serves
		1 exits 0    > 1 exited, generation 2 serves alone, generation 1 is gone
		replace by 3 > start 3 of generation 3 in slot 0
		3 exits 1    > generation 3 failed and 2 serves, 3 exited unexpectedly, generation 3 is gone
		replace by 4 > start 4 of generation 4 in slot 0
		4 says ready > 4 is ready: said so, ask 2 to finish, generation 4 serves
		2 exits 0    > 2 exited, generation 4 serves alone, generation 2 is gone
	`},
	{"a replacement fails while an older one drains", parallel1, oneServes + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish, generation 2 serves
		replace by 3 > start 3 of generation 3 in slot 0
		3 exits 1    > generation 3 failed and 2 serves, 3 exited unexpectedly, generation 3 is gone
		1 exits 0    > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"dies after ready, before the other is", parallel2, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 says ready > 3 is ready: said so
		3 exits 1    > generation 2 failed and 1 serves, 3 exited unexpectedly, kill 4
		4 is killed  > 4 exited, generation 2 is gone
	`},
	{"dies after it serves: a crash loop of the new", parallel1, oneServes + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish, generation 2 serves
		2 exits 1    > 2 exited unexpectedly: again in 100ms
		wait 100ms   > start 3 of generation 2 in slot 0
		3 exits 1    > 3 exited unexpectedly: again in 200ms
		wait 200ms   > start 4 of generation 2 in slot 0
		4 exits 1    > 4 exited unexpectedly: again in 400ms
		1 exits 0    > 1 exited, generation 1 is gone
	`},
	{"rolling: slot after slot", rolling1, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0
		3 says ready > 3 is ready: said so, ask 1 to finish
		1 exits 0    > 1 exited, start 4 of generation 2 in slot 1
		4 says ready > 4 is ready: said so, ask 2 to finish, generation 2 serves
		2 exits 0    > 2 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"rolling: the second slot fails, the first goes back", rolling1, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0
		3 says ready > 3 is ready: said so, ask 1 to finish
		1 exits 0    > 1 exited, start 4 of generation 2 in slot 1
		4 exits 1    > generation 2 failed and 1 serves, 4 exited unexpectedly, start 5 of generation 1 in slot 0
		5 says ready > 5 is ready: said so, ask 3 to finish
		3 exits 0    > 3 exited, generation 1 serves alone, generation 2 is gone
	`},
	{"rolling: superseded half way", rolling1, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0
		3 says ready > 3 is ready: said so, ask 1 to finish
		1 exits 0    > 1 exited, start 4 of generation 2 in slot 1
		replace by 3 > kill 4, start 5 of generation 3 in slot 0
		5 says ready > 5 is ready: said so, ask 3 to finish
		4 is killed  > 4 exited
		3 exits 0    > 3 exited, start 6 of generation 3 in slot 1, generation 2 is gone
		6 says ready > 6 is ready: said so, ask 2 to finish, generation 3 serves
		2 exits 0    > 2 exited, generation 3 serves alone, generation 1 is gone
	`},
	{"rolling: slow to leave", rolling1, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0
		3 says ready > 3 is ready: said so, ask 1 to finish
		wait 4s      >
		wait 1s      > grace of 1 is over, kill 1
		1 is killed  > 1 exited, start 4 of generation 2 in slot 1, forecast for generation 2: 1 of 2
		4 says ready > 4 is ready: said so, ask 2 to finish, generation 2 serves
		2 exits 0    > 2 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"rolling: an old one dies before its turn", rolling1, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0
		2 exits 1    > 2 exited unexpectedly, start 4 of generation 2 in slot 1
		3 says ready > 3 is ready: said so, ask 1 to finish
		1 exits 0    > 1 exited
		4 says ready > 4 is ready: said so, generation 2 serves, generation 2 serves alone, generation 1 is gone
	`},
	{"rolling surge 0: slot after slot", rolling0, twoServe + `
		replace by 2 > ask 1 to finish
		1 exits 0    > 1 exited, start 3 of generation 2 in slot 0
		3 says ready > 3 is ready: said so, ask 2 to finish
		2 exits 0    > 2 exited, start 4 of generation 2 in slot 1
		4 says ready > 4 is ready: said so, generation 2 serves, generation 2 serves alone, generation 1 is gone
	`},
	{"rolling surge 0: the second slot fails, one after the other goes back", rolling0, twoServe + `
		replace by 2 > ask 1 to finish
		1 exits 0    > 1 exited, start 3 of generation 2 in slot 0
		3 says ready > 3 is ready: said so, ask 2 to finish
		2 exits 0    > 2 exited, start 4 of generation 2 in slot 1
		4 exits 1    > generation 2 failed and 1 serves, 4 exited unexpectedly, start 5 of generation 1 in slot 1
		5 says ready > 5 is ready: said so, ask 3 to finish
		3 exits 0    > 3 exited, start 6 of generation 1 in slot 0, generation 2 is gone
		6 says ready > 6 is ready: said so, generation 1 serves alone
	`},
	{"rolling surge 0: the first slot fails", rolling0, twoServe + `
		replace by 2 > ask 1 to finish
		1 exits 0    > 1 exited, start 3 of generation 2 in slot 0
		3 exits 1    > generation 2 failed and 1 serves, 3 exited unexpectedly, start 4 of generation 1 in slot 0
		             > generation 2 is gone
		4 says ready > 4 is ready: said so, generation 1 serves alone
	`},
	{"agent: hands over", auto1, agentServes + `
		replace by 2 with agent          > start 2 of generation 2 in slot 0
		agent of 2 connects              >
		2 gives its listener             >
		2 accepts                        > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 lets go of its listeners       >
		1 has given away its connections > generation 2 serves alone
		1 has no connections             > ask 1 to finish
		1 exits 0                        > 1 exited, generation 1 is gone
	`},
	{"agent: hands over, and has no connections", auto1, agentServes + `
		replace by 2 with agent    > start 2 of generation 2 in slot 0
		agent of 2 connects        >
		2 gives its listener       >
		2 accepts                  > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 lets go of its listeners >
		1 has no connections       > ask 1 to finish, generation 2 serves alone
		1 exits 0                  > 1 exited, generation 1 is gone
	`},
	{"agent: its connections are given away before it is known that it accepts no more", auto1, agentServes + `
		replace by 2 with agent          > start 2 of generation 2 in slot 0
		agent of 2 connects              >
		2 gives its listener             >
		2 accepts                        > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 has given away its connections >
		1 lets go of its listeners       > generation 2 serves alone
	`},
	{"agent: its connections are not given away in time", auto1, agentServes + `
		replace by 2 with agent          > start 2 of generation 2 in slot 0
		agent of 2 connects              >
		2 gives its listener             >
		2 accepts                        > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 lets go of its listeners       >
		wait 999ms                       > end streams of 1
		wait 1ms                         > generation 2 serves alone
		1 has given away its connections >
	`},
	{"agent: its connections are given away, and it accepts on", auto1, agentServes + `
		replace by 2 with agent          > start 2 of generation 2 in slot 0
		agent of 2 connects              >
		2 gives its listener             >
		2 accepts                        > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 has given away its connections >
		wait 1s                          > end streams of 1
		1 lets go of its listeners       > generation 2 serves alone
	`},
	{"agent: it goes before its connections are given away", auto1, agentServes + `
		replace by 2 with agent    > start 2 of generation 2 in slot 0
		agent of 2 connects        >
		2 gives its listener       >
		2 accepts                  > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 lets go of its listeners >
		agent of 1 is gone         > ask 1 to finish, generation 2 serves alone
		1 exits 0                  > 1 exited, generation 1 is gone
	`},
	{"agent: it dies before its connections are given away", auto1, agentServes + `
		replace by 2 with agent    > start 2 of generation 2 in slot 0
		agent of 2 connects        >
		2 gives its listener       >
		2 accepts                  > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 lets go of its listeners >
		1 exits 1                  > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"agent: scale down", parallel2, `
		replace by 1 with agent          > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		agent of 1 connects              >
		agent of 2 connects              >
		1 says ready                     > 1 is ready: said so
		2 says ready                     > 2 is ready: said so, generation 1 serves, generation 1 serves alone
		scale to 1                       > ask 2 to drain
		2 lets go of its listeners       >
		2 has given away its connections > scaled to 1
	`},
	{"agent: connections that do not end", auto1, agentServes + `
		replace by 2 with agent          > start 2 of generation 2 in slot 0
		agent of 2 connects              >
		2 gives its listener             >
		2 accepts                        > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 lets go of its listeners       >
		1 has given away its connections > generation 2 serves alone
		wait 5s                          > end streams of 1, ask 1 to finish
		wait 5s                          > grace of 1 is over, kill 1
		1 is killed                      > 1 exited, generation 1 is gone
	`},
	{"agent: without one the old leave first", auto1, oneListens + `
		replace by 2 > ask 1 to finish
		1 exits 0    > 1 exited, start 2 of generation 2 in slot 0
		2 listens    > 2 is ready: listens, generation 2 serves, generation 2 serves alone, generation 1 is gone
	`},
	{"agent: the next cannot take over", auto1, agentServes + `
		replace by 2 > ask 1 to drain
		wait 500ms   > ask 1 to leave
		1 is idle    > ask 1 to finish
		1 exits 0    > 1 exited, start 2 of generation 2 in slot 0
		2 listens    > 2 is ready: listens, generation 2 serves, generation 2 serves alone, generation 1 is gone
	`},
	{"agent: the last could not hand over", auto1, oneListens + `
		replace by 2 with agent > ask 1 to finish
		1 exits 0               > 1 exited, start 2 of generation 2 in slot 0
		agent of 2 connects     >
		2 gives its listener    >
		2 accepts               > 2 is ready: accepts, generation 2 serves, generation 2 serves alone
		                        > generation 1 is gone
		replace by 3 with agent > start 3 of generation 3 in slot 0
		agent of 3 connects     >
		3 gives its listener    >
		3 accepts               > 3 is ready: accepts, ask 2 to drain, generation 3 serves
	`},
	{"agent: it listens on nothing of ours", auto1, `
		replace by 1 with agent > start 1 of generation 1 in slot 0
		agent of 1 connects     >
		wait 1s                 > 1 is ready: alive, generation 1 serves, generation 1 runs alone
		replace by 2 with agent > ask 1 to drain
		1 is idle               >
		wait 500ms              > ask 1 to leave
		1 is idle               > ask 1 to finish
		1 exits 0               > 1 exited, start 2 of generation 2 in slot 0
	`},
	{"agent: it has a UDP port too", auto1, agentServes + `
		1 keeps a socket        > 1 cannot hand over
		replace by 2 with agent > ask 1 to drain
		1 has no connections    > ask 1 to finish
		1 exits 0               > 1 exited, start 2 of generation 2 in slot 0
		agent of 2 connects     >
		2 gives its listener    >
		2 accepts               > 2 is ready: accepts, generation 2 serves, generation 2 serves alone
		                        > generation 1 is gone
		2 keeps a socket        >
		replace by 3 with agent > ask 2 to drain
	`},
	{"agent: the UDP port is given up", auto1, agentServes + `
		1 keeps a socket        > 1 cannot hand over
		replace by 2 with agent > ask 1 to drain
		1 has no connections    > ask 1 to finish
		1 exits 0               > 1 exited, start 2 of generation 2 in slot 0
		agent of 2 connects     >
		2 gives its listener    >
		2 accepts               > 2 is ready: accepts, generation 2 serves, generation 2 serves alone
		                        > generation 1 is gone
		replace by 3 with agent > start 3 of generation 3 in slot 0
	`},
	{"agent: a UDP port, but the user knows better", parallel1, agentServes + `
		1 keeps a socket        >
		replace by 2 with agent > start 2 of generation 2 in slot 0
	`},
	{"agent: it goes before the worker", auto1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		agent of 2 connects     >
		2 gives its listener    >
		2 accepts               > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		agent of 1 is gone      > ask 1 to finish
		1 exits 0               > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"agent: accepting is expected again", auto1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		agent of 2 connects     >
		wait 2s                 >
		2 sleeps in a lock      >
		wait 1s                 > try 2 alone: lock, ask 1 to drain
		wait 500ms              > ask 1 to leave
		1 is idle               > ask 1 to finish
		1 exits 0               > 1 exited
		wait 30s                > kill 2
	`},
	{"agent: accepting is not expected of one without", auto1, agentServes + `
		replace by 2         > ask 1 to drain
		1 has no connections > ask 1 to finish
		1 exits 0            > 1 exited, start 2 of generation 2 in slot 0
		wait 1s              > 2 is ready: alive, generation 2 serves, generation 2 runs alone, generation 1 is gone
	`},
	{"agent: the word is expected again", auto1, agentServes + `
		1 says ready            >
		replace by 2 with agent > start 2 of generation 2 in slot 0
		agent of 2 connects     >
		2 gives its listener    >
		2 accepts               >
		wait 2s                 >
		2 says ready            > 2 is ready: said so, ask 1 to drain, generation 2 serves
	`},
	{"agent: an old one removes what the new one has made", auto1, agentServes + `
		replace by 2 with agent                       > start 2 of generation 2 in slot 0
		agent of 2 connects                           >
		2 gives its listener                          >
		2 accepts                                     > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 lets go of its listeners                    >
		1 has given away its connections              > generation 2 serves alone
		1 has no connections                          > ask 1 to finish
		1 exits 0 and removed a file of its successor > 1 exited, 0 proved alone: farewell, 2 retires, ask 2 to drain
		                                              > generation 1 is gone
	`},
	{"agent: it does, and both were wanted", parallel1, agentServes + `
		replace by 2 with agent                       > start 2 of generation 2 in slot 0
		agent of 2 connects                           >
		2 gives its listener                          >
		2 accepts                                     > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 lets go of its listeners                    >
		1 has given away its connections              > generation 2 serves alone
		1 has no connections                          > ask 1 to finish
		1 exits 0 and removed a file of its successor > 1 exited, 1 removed a file of its successor
		                                              > generation 1 is gone
	`},
	{"agent: it does, and nobody comes", auto1, agentServes + `
		stop                                          > ask 1 to leave
		1 is idle                                     > ask 1 to finish
		1 exits 0 and removed a file of its successor > 1 exited, stopped
	`},
	{"agent: stop", auto1, agentServes + `
		stop      > ask 1 to leave
		1 is idle > ask 1 to finish
		1 exits 0 > 1 exited, stopped
	`},
	{"agent: stop, and a request that does not end", auto1, agentServes + `
		stop        > ask 1 to leave
		wait 5s     > ask 1 to finish
		wait 5s     > grace of 1 is over, kill 1
		1 is killed > 1 exited, stopped
	`},
	{"agent: stop while an old one drains", auto1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		agent of 2 connects     >
		2 gives its listener    >
		2 accepts               > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		stop                    > ask 1 to leave, ask 2 to leave
		1 is idle               > ask 1 to finish
		2 is idle               > ask 2 to finish
		1 exits 0               > 1 exited, generation 1 is gone
		2 exits 0               > 2 exited, stopped
	`},
	{"agent: slow to say hello is no reason for a suspicion", auto1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		wait 4s                 >
		agent of 2 connects     >
		wait 2s                 >
		2 accepts               > 2 is ready: accepts, ask 1 to drain, generation 2 serves
	`},
	{"agent: it never says hello", auto1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		wait 5s                 >
		2 sleeps in a lock      >
		wait 1s                 > try 2 alone: lock, ask 1 to drain
	`},
	{"agent: the debugger that starts it listens", auto1, `
		replace by 1 with agent > start 1 of generation 1 in slot 0
		1 listens               >
		wait 100ms              >
		agent of 1 connects     >
		1 gives its listener    >
		wait 800ms              >
		1 accepts               > 1 is ready: accepts, generation 1 serves, generation 1 serves alone
		replace by 2 with agent > start 2 of generation 2 in slot 0
		2 listens               >
		wait 2s                 >
		agent of 2 connects     >
		wait 1s                 >
		2 accepts               > 2 is ready: accepts, ask 1 to drain, generation 2 serves
	`},
	{"agent: it listens, and its agent never says hello", auto1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		2 listens               >
		wait 2s                 >
		wait 1s                 > 2 is ready: listens, ask 1 to drain, generation 2 serves, end streams of 1
	`},
	{"agent: lock", auto1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		agent of 2 connects     >
		2 sleeps in a lock      >
		wait 3s                 > try 2 alone: lock, ask 1 to drain
		wait 500ms              > ask 1 to leave
		1 is idle               > ask 1 to finish
		1 exits 0               > 1 exited
		2 gives its listener    >
		2 accepts               > 2 is ready: accepts, 2 proved alone: lock, generation 2 serves
		                        > generation 2 serves alone, generation 1 is gone
		replace by 3 with agent > ask 2 to drain
	`},
	{"agent: two workers", auto2, `
		replace by 1 with agent          > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		agent of 1 connects              >
		1 gives its listener             >
		1 accepts                        > 1 is ready: accepts
		agent of 2 connects              >
		2 gives its listener             >
		2 accepts                        > 2 is ready: accepts, generation 1 serves, generation 1 serves alone
		replace by 2 with agent          > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		agent of 3 connects              >
		3 gives its listener             >
		3 accepts                        > 3 is ready: accepts
		agent of 4 connects              >
		4 gives its listener             >
		4 accepts                        > 4 is ready: accepts, ask 1 to drain, ask 2 to drain, generation 2 serves
		1 lets go of its listeners       >
		1 has no connections             > ask 1 to finish
		2 lets go of its listeners       >
		2 has given away its connections > generation 2 serves alone
		2 has no connections             > ask 2 to finish
	`},
	{"agent: superseded before it is ready", auto1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		agent of 2 connects     >
		replace by 3 with agent > kill 2, start 3 of generation 3 in slot 0
		2 is killed             > 2 exited, generation 2 is gone
		agent of 3 connects     >
		3 gives its listener    >
		3 accepts               > 3 is ready: accepts, ask 1 to drain, generation 3 serves
	`},
	{"agent: no grace", Policy{Workers: 1}, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		agent of 2 connects     >
		2 gives its listener    >
		2 accepts               > 2 is ready: accepts, ask 1 to finish, generation 2 serves
		wait 1ms                > grace of 1 is over, kill 1
	`},
	{"agent: it does not get through, and meets our own listener", auto1, agentServes + `
		replace by 2 with agent                > start 2 of generation 2 in slot 0
		2 exits 1 over an old worker's address > 2 exited unexpectedly: again in 100ms
		wait 100ms                             > start 3 of generation 2 in slot 0
		agent of 3 connects                    >
		3 gives its listener                   >
		3 accepts                              > 3 is ready: accepts, ask 1 to drain, generation 2 serves
	`},
	{"agent: rolling, the old one first", rolling0, `
		replace by 1 with agent > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		agent of 1 connects     >
		1 gives its listener    >
		1 accepts               > 1 is ready: accepts
		agent of 2 connects     >
		2 gives its listener    >
		2 accepts               > 2 is ready: accepts, generation 1 serves, generation 1 serves alone
		replace by 2 with agent > ask 1 to drain
		wait 500ms              > ask 1 to leave
		1 is idle               > ask 1 to finish
		1 exits 0               > 1 exited, start 3 of generation 2 in slot 0
	`},
	{"scale up", parallel1, oneServes + `
		scale to 3   > start 2 of generation 1 in slot 1, start 3 of generation 1 in slot 2
		2 says ready > 2 is ready: said so
		3 says ready > 3 is ready: said so, scaled to 3
		scale to 3   >
	`},
	{"scale down", parallel2, twoServe + `
		scale to 1                 > ask 2 to finish
		2 lets go of its listeners > scaled to 1
		2 exits 0                  > 2 exited
		scale to 2                 > start 3 of generation 1 in slot 1
		3 says ready               > 3 is ready: said so, scaled to 2
	`},
	{"scale up while the new start", parallel1, oneServes + `
		replace by 2               > start 2 of generation 2 in slot 0
		scale to 2                 > start 3 of generation 2 in slot 1
		2 says ready               > 2 is ready: said so
		3 says ready               > 3 is ready: said so, ask 1 to finish, generation 2 serves, scaled to 2
		1 lets go of its listeners > generation 2 serves alone
		1 exits 0                  > 1 exited, generation 1 is gone
	`},
	{"scale down while the new start", parallel2, twoServe + `
		replace by 2               > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		scale to 1                 > ask 2 to finish, kill 4
		4 is killed                > 4 exited
		3 says ready               > 3 is ready: said so, ask 1 to finish, generation 2 serves
		1 lets go of its listeners >
		2 lets go of its listeners > generation 2 serves alone, scaled to 1
	`},
	{"scale up: the new one crashes", parallel1, oneServes + `
		scale to 2   > start 2 of generation 1 in slot 1
		2 exits 1    > 2 exited unexpectedly: again in 100ms
		wait 100ms   > start 3 of generation 1 in slot 1
		3 says ready > 3 is ready: said so, scaled to 2
	`},
	{"a slot is closed, and opened again", parallel2, twoServe + `
		close slot 1 > ask 2 to finish
		2 exits 0    > 2 exited, scaled to 1
		wait 10s     >
		open slot 1  > start 3 of generation 1 in slot 1
		3 says ready > 3 is ready: said so, scaled to 2
	`},
	{"all slots are closed, and a generation comes", parallel1, oneServes + `
		close slot 0 > ask 1 to finish
		1 exits 0    > 1 exited, scaled to 0
		replace by 2 > generation 2 serves, generation 2 serves alone, generation 1 is gone
		open slot 0  > start 2 of generation 2 in slot 0
		2 says ready > 2 is ready: said so, scaled to 1
	`},
	{"closed: it does not come back", parallel1, oneServes + `
		close slot 0 > ask 1 to finish
		1 exits 1    > 1 exited, scaled to 0
		wait 10s     >
		hurry        >
	`},
	{"a rolling replacement on request", parallel2, twoServe + `
		replace by 2 rolling > ask 1 to finish
		3 says ready         >
		1 exits 0            > 1 exited, start 3 of generation 2 in slot 0
		4 says ready         >
		2 exits 0            > 2 exited, start 4 of generation 2 in slot 1
		replace by 3         > kill 3, kill 4, start 5 of generation 3 in slot 0, start 6 of generation 3 in slot 1
	`},
	{"a rolling replacement on request, where the old leave first otherwise", first2, twoServe + `
		replace by 2 rolling > ask 1 to finish
		1 exits 0            > 1 exited, start 3 of generation 2 in slot 0
		3 says ready         > 3 is ready: said so, ask 2 to finish
		2 exits 0            > 2 exited, start 4 of generation 2 in slot 1
	`},
	{"a rolling replacement on request: what is proved stays", auto2, `
		replace by 1 with agent > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		agent of 1 connects     >
		1 gives its listener    >
		1 accepts               > 1 is ready: accepts
		agent of 2 connects     >
		2 gives its listener    >
		2 accepts               > 2 is ready: accepts, generation 1 serves, generation 1 serves alone
		replace by 2 with agent > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		agent of 3 connects     >
		agent of 4 connects     >
		3 sleeps in a lock      >
		wait 3s                 > try 3 alone: lock, ask 1 to drain, ask 2 to drain
		wait 500ms              > ask 1 to leave, ask 2 to leave
		1 is idle               > ask 1 to finish
		2 is idle               > ask 2 to finish
		1 exits 0               > 1 exited
		2 exits 0               > 2 exited
		3 gives its listener    >
		3 accepts               > 3 is ready: accepts, 3 proved alone: lock
		4 gives its listener    >
		4 accepts               > 4 is ready: accepts, generation 2 serves, generation 2 serves alone
		                        > generation 1 is gone
		replace by 3 rolling    > ask 3 to drain, ask 4 to drain
	`},
	{"a forecast", rolling1, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0
		3 says ready > 3 is ready: said so, ask 1 to finish
		wait 4s      >
		wait 1s      > grace of 1 is over, kill 1
		1 is killed  > 1 exited, start 4 of generation 2 in slot 1, forecast for generation 2: 1 of 2
		4 says ready > 4 is ready: said so, ask 2 to finish, generation 2 serves
		2 exits 0    > 2 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"stop-first: all leave, then all come", first2, twoServe + `
		replace by 2 > ask 1 to finish, ask 2 to finish
		1 exits 0    > 1 exited
		2 exits 0    > 2 exited, start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 says ready > 3 is ready: said so
		4 says ready > 4 is ready: said so, generation 2 serves, generation 2 serves alone, generation 1 is gone
	`},
	{"stop-first: superseded while the old leave", first1, oneServes + `
		replace by 2 > ask 1 to finish
		replace by 3 > generation 2 is gone
		1 exits 0    > 1 exited, start 2 of generation 3 in slot 0
		2 says ready > 2 is ready: said so, generation 3 serves, generation 3 serves alone, generation 1 is gone
	`},
	{"stop-first: superseded while the new start", first1, oneServes + `
		replace by 2 > ask 1 to finish
		1 exits 0    > 1 exited, start 2 of generation 2 in slot 0
		replace by 3 > kill 2
		2 is killed  > 2 exited, start 3 of generation 3 in slot 0, generation 2 is gone
		3 says ready > 3 is ready: said so, generation 3 serves, generation 3 serves alone, generation 1 is gone
	`},
	{"stop-first: the new one dies, the old one comes back", first1, oneServes + `
		replace by 2 > ask 1 to finish
		1 exits 0    > 1 exited, start 2 of generation 2 in slot 0
		2 exits 1    > generation 2 failed and 1 serves, 2 exited unexpectedly, start 3 of generation 1 in slot 0
		             > generation 2 is gone
		3 says ready > 3 is ready: said so, generation 1 serves alone
	`},
	{"stop-first: the new one hangs, the old one comes back when it is gone", first1, oneServes + `
		replace by 2 > ask 1 to finish
		1 exits 0    > 1 exited, start 2 of generation 2 in slot 0
		wait 30s     > kill 2
		2 is killed  > generation 2 failed and 1 serves, 2 exited unexpectedly, start 3 of generation 1 in slot 0
		             > generation 2 is gone
		3 says ready > 3 is ready: said so, generation 1 serves alone
	`},
	{"stop-first: the old one comes back and dies too", first1, oneServes + `
		replace by 2 > ask 1 to finish
		1 exits 0    > 1 exited, start 2 of generation 2 in slot 0
		2 exits 1    > generation 2 failed and 1 serves, 2 exited unexpectedly, start 3 of generation 1 in slot 0
		             > generation 2 is gone
		3 exits 1    > 3 exited unexpectedly: again in 100ms
		wait 100ms   > start 4 of generation 1 in slot 0
	`},
	{"stop-first: nothing starts beside one that is being killed", first2, twoServe + `
		replace by 2 > ask 1 to finish, ask 2 to finish
		1 exits 0    > 1 exited
		2 exits 0    > 2 exited, start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 says ready > 3 is ready: said so
		wait 30s     > kill 4
		4 is killed  > generation 2 failed and 1 serves, 4 exited unexpectedly, ask 3 to finish
		3 exits 0    > 3 exited, start 5 of generation 1 in slot 0, start 6 of generation 1 in slot 1
		             > generation 2 is gone
	`},
	{"own port: both meet the old ones", parallel2, `
		replace by 1                           > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		1 listens                              > 1 is ready: listens
		2 listens                              > 2 is ready: listens, generation 1 serves, generation 1 serves alone
		replace by 2                           > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 exits 1 over an old worker's address > try 3 alone: address, ask 1 to finish, ask 2 to finish, kill 4
		                                       > 3 exited unexpectedly: again alone
		4 exits 1 over an old worker's address > 4 exited
		1 exits 0                              > 1 exited
		2 exits 0                              > 2 exited, start 5 of generation 2 in slot 0
		                                       > start 6 of generation 2 in slot 1
		5 listens                              > 5 is ready: listens, 5 proved alone: address
		6 listens                              > 6 is ready: listens, generation 2 serves, generation 2 serves alone
		                                       > generation 1 is gone
		replace by 3                           > ask 5 to finish, ask 6 to finish
		5 exits 0                              > 5 exited
		6 exits 0                              > 6 exited, start 7 of generation 3 in slot 0
		                                       > start 8 of generation 3 in slot 1
	`},
	{"own port: the other is still starting", parallel2, `
		replace by 1                           > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		1 listens                              > 1 is ready: listens
		2 listens                              > 2 is ready: listens, generation 1 serves, generation 1 serves alone
		replace by 2                           > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 exits 1 over an old worker's address > try 3 alone: address, ask 1 to finish, ask 2 to finish, kill 4
		                                       > 3 exited unexpectedly: again alone
		4 is killed                            > 4 exited
		1 exits 0                              > 1 exited
		2 exits 0                              > 2 exited, start 5 of generation 2 in slot 0
		                                       > start 6 of generation 2 in slot 1
	`},
	{"own port: it says so and ends with code 0", parallel1, oneListens + `
		replace by 2                           > start 2 of generation 2 in slot 0
		2 exits 0 over an old worker's address > try 2 alone: address, ask 1 to finish
		                                       > 2 exited unexpectedly: again alone
		1 exits 0                              > 1 exited, start 3 of generation 2 in slot 0
	`},
	{"own port: taken by a stranger, the old one serves on", parallel1, oneListens + `
		replace by 2                        > start 2 of generation 2 in slot 0
		2 exits 1 over a stranger's address > generation 2 failed and 1 serves, 2 exited unexpectedly
		                                    > generation 2 is gone
	`},
	{"own port: taken by a stranger from the start", first1, `
		replace by 1                        > start 1 of generation 1 in slot 0
		1 exits 1 over a stranger's address > 1 exited unexpectedly: again in 100ms
		wait 100ms                          > start 2 of generation 1 in slot 0
		2 exits 1 over a stranger's address > 2 exited unexpectedly: again in 200ms
		hurry                               > start 3 of generation 1 in slot 0
	`},
	{"lock: handed over", parallel1, oneServes + `
		replace by 2       > start 2 of generation 2 in slot 0
		2 sleeps in a lock >
		wait 3s            > try 2 alone: lock, ask 1 to finish
		1 exits 0          > 1 exited
		2 says ready       > 2 is ready: said so, 2 proved alone: lock, generation 2 serves, generation 2 serves alone
		                   > generation 1 is gone
		replace by 3       > ask 2 to finish
		2 exits 0          > 2 exited, start 3 of generation 3 in slot 0
	`},
	{"lock: not suspected while others come along", parallel2, twoServe + `
		replace by 2       > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		wait 2s            >
		3 says ready       > 3 is ready: said so
		wait 2s            >
		4 sleeps in a lock >
		wait 1s            > try 4 alone: lock, ask 1 to finish, ask 2 to finish
	`},
	{"lock: handed over in rolling, of all slots", rolling1, twoServe + `
		replace by 2       > start 3 of generation 2 in slot 0
		3 sleeps in a lock >
		wait 3s            > try 3 alone: lock, ask 1 to finish, ask 2 to finish
		1 exits 0          > 1 exited
		2 exits 0          > 2 exited, start 4 of generation 2 in slot 1
		3 says ready       > 3 is ready: said so, 3 proved alone: lock
		4 says ready       > 4 is ready: said so, generation 2 serves, generation 2 serves alone, generation 1 is gone
	`},
	{"lock: handed over, and then it dies", parallel1, oneServes + `
		replace by 2       > start 2 of generation 2 in slot 0
		2 sleeps in a lock >
		wait 3s            > try 2 alone: lock, ask 1 to finish
		2 exits 1          > generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone
		1 exits 0          > 1 exited, start 3 of generation 1 in slot 0
		3 says ready       > 3 is ready: said so, generation 1 serves alone
	`},
	{"lock: handed over, and it hangs", parallel1, oneServes + `
		replace by 2       > start 2 of generation 2 in slot 0
		2 sleeps in a lock >
		wait 3s            > try 2 alone: lock, ask 1 to finish
		1 exits 0          > 1 exited
		wait 29s           >
		wait 1s            > kill 2
		2 is killed        > generation 2 failed and 1 serves, 2 exited unexpectedly
		                   > start 3 of generation 1 in slot 0, generation 2 is gone
		3 says ready       > 3 is ready: said so, generation 1 serves alone
	`},
	{"slow is not locked: the old one serves until it is ready", parallel1, oneServes + `
		replace by 2 > start 2 of generation 2 in slot 0
		wait 20s     >
		2 says ready > 2 is ready: said so, ask 1 to finish, generation 2 serves
	`},
	{"died of a lock: tried alone, and the service stays so", parallel1, oneServes + `
		replace by 2          > start 2 of generation 2 in slot 0
		2 exits 1 over a lock > try 2 alone: lock, ask 1 to finish, 2 exited unexpectedly: again alone
		1 exits 0             > 1 exited, start 3 of generation 2 in slot 0
		3 says ready          > 3 is ready: said so, 3 proved alone: lock, generation 2 serves
		                      > generation 2 serves alone, generation 1 is gone
		replace by 3          > ask 3 to finish
		3 exits 0             > 3 exited, start 4 of generation 3 in slot 0
		4 says ready          > 4 is ready: said so, generation 3 serves, generation 3 serves alone
		                      > generation 2 is gone
	`},
	{"died of a lock: with an agent", auto1, agentServes + `
		replace by 2 with agent > start 2 of generation 2 in slot 0
		agent of 2 connects     >
		2 exits 1 over a lock   > try 2 alone: lock, ask 1 to drain, 2 exited unexpectedly: again alone
		1 has no connections    > ask 1 to finish
		1 exits 0               > 1 exited, start 3 of generation 2 in slot 0
		agent of 3 connects     >
		3 gives its listener    >
		3 accepts               > 3 is ready: accepts, 3 proved alone: lock, generation 2 serves
		                        > generation 2 serves alone, generation 1 is gone
		replace by 3 with agent > ask 3 to drain
	`},
	{"died of a lock: it dies alone in the same way, and that reason is not believed again", parallel1, oneServes + `
		replace by 2          > start 2 of generation 2 in slot 0
		2 exits 1 over a lock > try 2 alone: lock, ask 1 to finish, 2 exited unexpectedly: again alone
		1 exits 0             > 1 exited, start 3 of generation 2 in slot 0
		3 exits 1 over a lock > generation 2 failed and 1 serves, 3 exited unexpectedly
		                      > start 4 of generation 1 in slot 0, generation 2 is gone
		4 says ready          > 4 is ready: said so, generation 1 serves alone
		replace by 3          > start 5 of generation 3 in slot 0
		5 exits 1 over a lock > generation 3 failed and 1 serves, 5 exited unexpectedly, generation 3 is gone
	`},
	{"died of a lock: it dies alone in another way, which proves nothing", parallel1, oneServes + `
		replace by 2          > start 2 of generation 2 in slot 0
		2 exits 1 over a lock > try 2 alone: lock, ask 1 to finish, 2 exited unexpectedly: again alone
		1 exits 0             > 1 exited, start 3 of generation 2 in slot 0
		3 exits 1             > generation 2 failed and 1 serves, 3 exited unexpectedly
		                      > start 4 of generation 1 in slot 0, generation 2 is gone
		4 says ready          > 4 is ready: said so, generation 1 serves alone
		replace by 3          > start 5 of generation 3 in slot 0
		5 exits 1 over a lock > try 5 alone: lock, ask 4 to finish, 5 exited unexpectedly: again alone
		4 exits 0             > 4 exited, start 6 of generation 3 in slot 0
		6 says ready          > 6 is ready: said so, 6 proved alone: lock, generation 3 serves
		                      > generation 3 serves alone, generation 1 is gone
	`},
	{"died of a lock: alone it hangs", parallel1, oneListens + `
		replace by 2          > start 2 of generation 2 in slot 0
		2 exits 1 over a lock > try 2 alone: lock, ask 1 to finish, 2 exited unexpectedly: again alone
		1 exits 0             > 1 exited, start 3 of generation 2 in slot 0
		wait 30s              > kill 3
		3 is killed           > generation 2 failed and 1 serves, 3 exited unexpectedly
		                      > start 4 of generation 1 in slot 0, generation 2 is gone
		4 listens             > 4 is ready: listens, generation 1 serves alone
	`},
	{"died of a lock: superseded while the old one leaves", parallel1, oneServes + `
		replace by 2          > start 2 of generation 2 in slot 0
		2 exits 1 over a lock > try 2 alone: lock, ask 1 to finish, 2 exited unexpectedly: again alone
		replace by 3          > generation 2 is gone
		1 exits 0             > 1 exited, start 3 of generation 3 in slot 0
		3 says ready          > 3 is ready: said so, 3 proved alone: lock, generation 3 serves
		                      > generation 3 serves alone, generation 1 is gone
		replace by 4          > ask 3 to finish
	`},
	{"died of a lock: superseded while it is tried", parallel1, oneServes + `
		replace by 2          > start 2 of generation 2 in slot 0
		2 exits 1 over a lock > try 2 alone: lock, ask 1 to finish, 2 exited unexpectedly: again alone
		1 exits 0             > 1 exited, start 3 of generation 2 in slot 0
		replace by 3          > kill 3
		3 is killed           > 3 exited, start 4 of generation 3 in slot 0, generation 2 is gone
		4 exits 1             > generation 3 failed and 1 serves, 4 exited unexpectedly
		                      > start 5 of generation 1 in slot 0, generation 3 is gone
		5 says ready          > 5 is ready: said so, generation 1 serves alone
	`},
	{"died of a lock: it is too late, the old one leaves anyway", parallel1, oneServes + `
		replace by 2          > start 2 of generation 2 in slot 0
		2 says ready          > 2 is ready: said so, ask 1 to finish, generation 2 serves
		2 exits 1 over a lock > 2 exited unexpectedly: again in 100ms
	`},
	{"died of a lock: of two, the other is killed too", parallel2, twoServe + `
		replace by 2          > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 exits 1 over a lock > try 3 alone: lock, ask 1 to finish, ask 2 to finish, kill 4
		                      > 3 exited unexpectedly: again alone
		4 is killed           > 4 exited
		1 exits 0             > 1 exited
		2 exits 0             > 2 exited, start 5 of generation 2 in slot 0, start 6 of generation 2 in slot 1
		5 says ready          > 5 is ready: said so, 5 proved alone: lock
		6 says ready          > 6 is ready: said so, generation 2 serves, generation 2 serves alone
		                      > generation 1 is gone
	`},
	{"died of a lock: of two, alone it dies, and nobody starts beside those that leave", parallel2, twoServe + `
		replace by 2          > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 exits 1 over a lock > try 3 alone: lock, ask 1 to finish, ask 2 to finish, kill 4
		                      > 3 exited unexpectedly: again alone
		4 is killed           > 4 exited
		1 exits 0             > 1 exited
		2 exits 0             > 2 exited, start 5 of generation 2 in slot 0, start 6 of generation 2 in slot 1
		5 exits 1             > generation 2 failed and 1 serves, 5 exited unexpectedly, kill 6
		6 is killed           > 6 exited, start 7 of generation 1 in slot 0, start 8 of generation 1 in slot 1
		                      > generation 2 is gone
		7 says ready          > 7 is ready: said so
		8 says ready          > 8 is ready: said so, generation 1 serves alone
	`},
	{"died of a lock: rolling", rolling1, twoServe + `
		replace by 2          > start 3 of generation 2 in slot 0
		3 exits 1 over a lock > try 3 alone: lock, ask 1 to finish, ask 2 to finish
		                      > 3 exited unexpectedly: again alone
		1 exits 0             > 1 exited
		2 exits 0             > 2 exited, start 4 of generation 2 in slot 0, start 5 of generation 2 in slot 1
		4 says ready          > 4 is ready: said so, 4 proved alone: lock
		5 says ready          > 5 is ready: said so, generation 2 serves, generation 2 serves alone
		                      > generation 1 is gone
	`},
	{"died of a lock: no worker may be started", parallel1, oneServes + `
		replace by 2          > start 2 of generation 2 in slot 0
		forbid starts         >
		look                  > starts are blocked
		2 exits 1 over a lock > generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone
	`},
	{"died of a lock: stop-first as it is", first1, oneServes + `
		replace by 2          > ask 1 to finish
		1 exits 0             > 1 exited, start 2 of generation 2 in slot 0
		2 exits 1 over a lock > generation 2 failed and 1 serves, 2 exited unexpectedly
		                      > start 3 of generation 1 in slot 0, generation 2 is gone
		3 says ready          > 3 is ready: said so, generation 1 serves alone
	`},
	{"died of a lock: the policy changes, and with it what is known", parallel1, oneServes + `
		replace by 2          > start 2 of generation 2 in slot 0
		2 exits 1 over a lock > try 2 alone: lock, ask 1 to finish, 2 exited unexpectedly: again alone
		1 exits 0             > 1 exited, start 3 of generation 2 in slot 0
		3 says ready          > 3 is ready: said so, 3 proved alone: lock, generation 2 serves
		                      > generation 2 serves alone, generation 1 is gone
		scale to 1            >
		replace by 3          > ask 3 to finish
	`},
	{"retire: the successor dies of a lock", parallel1, oneServes + `
		wait 5s               >
		retire 1              > 1 retires, start 2 of generation 1 in slot 0
		2 exits 1 over a lock > try 2 alone: lock, ask 1 to finish, 2 exited unexpectedly: again alone
		1 exits 0             > 1 exited, start 3 of generation 1 in slot 0
		3 says ready          > 3 is ready: said so, 3 proved alone: lock
		retire 3              > 3 retires, ask 3 to finish
	`},
	{"waits for nothing: tried alone, and it serves", parallel1, oneServes + `
		replace by 2        > start 2 of generation 2 in slot 0
		2 waits for nothing >
		wait 3s             > try 2 alone: silence, ask 1 to finish
		1 exits 0           > 1 exited
		2 says ready        > 2 is ready: said so, 2 proved alone: silence, generation 2 serves
		                    > generation 2 serves alone, generation 1 is gone
		replace by 3        > ask 2 to finish
	`},
	{"waits for nothing: alone, too, and the old one is back", parallel1, oneServes + `
		replace by 2        > start 2 of generation 2 in slot 0
		2 waits for nothing >
		wait 3s             > try 2 alone: silence, ask 1 to finish
		1 exits 0           > 1 exited
		wait 500ms          > kill 2
		2 is killed         > generation 2 failed and 1 serves, 2 exited unexpectedly
		                    > start 3 of generation 1 in slot 0, generation 2 is gone
		3 says ready        > 3 is ready: said so, generation 1 serves alone
		replace by 3        > start 4 of generation 3 in slot 0
		4 waits for nothing >
		wait 20s            >
	`},
	{"hung, and it cannot be seen why: tried alone once", parallel1, oneListens + `
		replace by 2       > start 2 of generation 2 in slot 0
		wait 30s           > kill 2
		2 is killed unseen > try 2 alone: silence, ask 1 to finish, 2 exited unexpectedly: again alone
		1 exits 0          > 1 exited, start 3 of generation 2 in slot 0
		wait 30s           > kill 3
		3 is killed        > generation 2 failed and 1 serves, 3 exited unexpectedly
		                   > start 4 of generation 1 in slot 0, generation 2 is gone
		4 listens          > 4 is ready: listens, generation 1 serves alone
		replace by 3       > start 5 of generation 3 in slot 0
		wait 30s           > kill 5
		5 is killed unseen > generation 3 failed and 1 serves, 5 exited unexpectedly, generation 3 is gone
	`},
	{"hung, and it can be seen that it waits for nobody", parallel1, oneListens + `
		replace by 2 > start 2 of generation 2 in slot 0
		wait 30s     > kill 2
		2 is killed  > generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone
	`},
	{"ends with code 0 since another one runs, and would be done else", parallel1, oneRuns + `
		replace by 2                           > start 2 of generation 2 in slot 0
		2 exits 0 over an old worker's address > try 2 alone: address, ask 1 to finish
		                                       > 2 exited unexpectedly: again alone
		1 exits 0                              > 1 exited, start 3 of generation 2 in slot 0
		wait 1s                                > 3 is ready: alive, 3 proved alone: address, generation 2 serves
		                                       > generation 2 runs alone, generation 1 is gone
	`},
	{"of a program of which only its age is known: it runs, and serves when it listens", auto1, `
		replace by 1 with agent > start 1 of generation 1 in slot 0
		agent of 1 connects     >
		wait 1s                 > 1 is ready: alive, generation 1 serves, generation 1 runs alone
		wait 5s                 >
		1 gives its listener    >
		1 accepts               > 1 serves after all
		replace by 2 with agent > start 2 of generation 2 in slot 0
		agent of 2 connects     >
		wait 6s                 >
		2 accepts               > 2 is ready: accepts, ask 1 to drain, generation 2 serves
	`},
	{"it runs: two of them, the first that listens counts", parallel2, `
		replace by 1 > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		wait 1s      > 1 is ready: alive, 2 is ready: alive, generation 1 serves, generation 1 runs alone
		2 listens    > 2 serves after all
		1 listens    >
	`},
	{"it runs: superseded before it listens", parallel1, oneRuns + `
		replace by 2 > start 2 of generation 2 in slot 0
		wait 1s      > 2 is ready: alive, ask 1 to finish, generation 2 serves
		1 listens    >
		2 listens    >
	`},
	{"it runs, and takes messages", parallel1, oneRuns + `
		1 takes messages > 1 serves after all
	`},
	{"ends with an error, and has never served: it waits for a change", plain1, `
		replace by 1 > start 1 of generation 1 in slot 0
		1 exits 1    > 1 exited unexpectedly: waits for a change
		wait 1h      >
		replace by 2 > start 2 of generation 2 in slot 0, generation 1 is gone
		2 exits 1    > 2 exited unexpectedly: waits for a change
		hurry        > start 3 of generation 2 in slot 0
		3 listens    > 3 is ready: listens, generation 2 serves, generation 2 serves alone
		3 exits 1    > 3 exited unexpectedly: again in 100ms
	`},
	{"the same after it ran for a while, as tests do", plain1, `
		replace by 1 > start 1 of generation 1 in slot 0
		wait 8s      > 1 is ready: alive, generation 1 serves, generation 1 runs alone
		1 exits 1    > 1 exited unexpectedly: waits for a change
		wait 1h      >
	`},
	{"the same after it ran for long, as bots do: tried three times", plain1, `
		replace by 1 > start 1 of generation 1 in slot 0
		wait 2m      > 1 is ready: alive, generation 1 serves, generation 1 runs alone
		1 exits 1    > 1 exited unexpectedly: again at once, start 2 of generation 1 in slot 0
		wait 2m      > 2 is ready: alive
		2 exits 1    > 2 exited unexpectedly: again at once, start 3 of generation 1 in slot 0
		wait 2m      > 3 is ready: alive
		3 exits 1    > 3 exited unexpectedly: again at once, start 4 of generation 1 in slot 0
		wait 2m      > 4 is ready: alive
		4 exits 1    > 4 exited unexpectedly: waits for a change
		wait 1h      >
	`},
	{"bots that run for long in between", plain1, `
		replace by 1 > start 1 of generation 1 in slot 0
		wait 1h      > 1 is ready: alive, generation 1 serves, generation 1 runs alone
		1 exits 1    > 1 exited unexpectedly: again at once, start 2 of generation 1 in slot 0
		wait 1h      > 2 is ready: alive
		2 exits 1    > 2 exited unexpectedly: again at once, start 3 of generation 1 in slot 0
		wait 1h      > 3 is ready: alive
		3 exits 1    > 3 exited unexpectedly: again at once, start 4 of generation 1 in slot 0
		wait 1h      > 4 is ready: alive
		4 exits 1    > 4 exited unexpectedly: again at once, start 5 of generation 1 in slot 0
		wait 1h      > 5 is ready: alive
		5 exits 1    > 5 exited unexpectedly: again at once, start 6 of generation 1 in slot 0
	`},
	{"others are not there yet: tried three times", plain1, `
		replace by 1                   > start 1 of generation 1 in slot 0
		1 exits 1 without its database > 1 exited unexpectedly: again in 800ms
		wait 1s                        > start 2 of generation 1 in slot 0
		2 exits 1 without its database > 2 exited unexpectedly: again in 1.6s
		wait 2s                        > start 3 of generation 1 in slot 0
		3 exits 1 without its database > 3 exited unexpectedly: again in 3.2s
		wait 4s                        > start 4 of generation 1 in slot 0
		4 exits 1 without its database > 4 exited unexpectedly: waits for a change
		wait 1h                        >
		replace by 2                   > start 5 of generation 2 in slot 0, generation 1 is gone
		5 exits 1 without its database > 5 exited unexpectedly: again in 800ms
	`},
	{"others are not there yet, and then they are", plain1, `
		replace by 1                   > start 1 of generation 1 in slot 0
		1 exits 1 without its database > 1 exited unexpectedly: again in 800ms
		wait 1s                        > start 2 of generation 1 in slot 0
		2 listens                      > 2 is ready: listens, generation 1 serves, generation 1 serves alone
		wait 5s                        >
		2 exits 1 without its database > 2 exited unexpectedly: again at once, start 3 of generation 1 in slot 0
		3 listens                      > 3 is ready: listens
		3 exits 1                      > 3 exited unexpectedly: again in 100ms
	`},
	{"it was killed: tried three times", plain1, `
		replace by 1 > start 1 of generation 1 in slot 0
		1 is killed  > 1 exited unexpectedly: again in 800ms
		wait 1s      > start 2 of generation 1 in slot 0
		2 is killed  > 2 exited unexpectedly: again in 1.6s
		wait 2s      > start 3 of generation 1 in slot 0
		3 is killed  > 3 exited unexpectedly: again in 3.2s
		wait 4s      > start 4 of generation 1 in slot 0
		4 is killed  > 4 exited unexpectedly: waits for a change
		wait 1h      >
	`},
	{"an address in use is waited for", plain1, `
		replace by 1                        > start 1 of generation 1 in slot 0
		1 exits 1 over a stranger's address > 1 exited unexpectedly: again in 800ms
		wait 1s                             > start 2 of generation 1 in slot 0
		2 exits 1 over a stranger's address > 2 exited unexpectedly: again in 1.6s
		wait 2s                             > start 3 of generation 1 in slot 0
		3 exits 1 over a stranger's address > 3 exited unexpectedly: again in 3.2s
		wait 4s                             > start 4 of generation 1 in slot 0
		4 exits 1 over a stranger's address > 4 exited unexpectedly: again in 5s
	`},
	{"it has served: it is started again", plain1, oneListens + `
		wait 5s    >
		1 exits 1  > 1 exited unexpectedly: again at once, start 2 of generation 1 in slot 0
		2 exits 1  > 2 exited unexpectedly: again in 100ms
		wait 100ms > start 3 of generation 1 in slot 0
		3 exits 1  > 3 exited unexpectedly: again in 200ms
		wait 200ms > start 4 of generation 1 in slot 0
		4 exits 1  > 4 exited unexpectedly: again in 400ms
		wait 400ms > start 5 of generation 1 in slot 0
		5 exits 1  > 5 exited unexpectedly: again in 800ms
	`},
	{"it has never served, and falls back to one that has not either", plain1, `
		replace by 1 > start 1 of generation 1 in slot 0
		wait 5s      > 1 is ready: alive, generation 1 serves, generation 1 runs alone
		replace by 2 > start 2 of generation 2 in slot 0
		2 exits 1    > generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone
		1 exits 1    > 1 exited unexpectedly: waits for a change
	`},
	{"of two, one ends with an error: the other goes on", plain2, `
		replace by 1 > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		wait 1s      > 1 is ready: alive, 2 is ready: alive, generation 1 serves, generation 1 runs alone
		1 exits 1    > 1 exited unexpectedly: waits for a change
		wait 1h      >
		scale to 3   > start 3 of generation 1 in slot 0, start 4 of generation 1 in slot 2
	`},
	{"on-exit wait: one that has served", waits1, oneListens + `
		wait 5s   >
		1 exits 1 > 1 exited unexpectedly: waits for a change
		wait 1h   >
		hurry     > start 2 of generation 1 in slot 0
	`},
	{"on-exit wait: the new one fails, the old one serves", waits1, oneListens + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 exits 1    > generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone
		1 exits 1    > 1 exited unexpectedly: waits for a change
		wait 1h      >
	`},
	{"on-exit wait: it waits, and is stopped", waits1, oneListens + `
		1 exits 1 > 1 exited unexpectedly: waits for a change
		stop      > stopped
	`},
	{"it waits, and is retired by nobody", waits1, `
		replace by 1 > start 1 of generation 1 in slot 0
		1 exits 1    > 1 exited unexpectedly: waits for a change
		retire 1     >
		close slot 0 > generation 1 serves, generation 1 serves alone, scaled to 0
		open slot 0  > start 2 of generation 1 in slot 0
	`},
	{"hangs at the first start", notify1, `
		replace by 1 > start 1 of generation 1 in slot 0
		wait 29s     >
		wait 1s      > kill 1
		1 is killed  > 1 exited unexpectedly: again in 100ms
		wait 100ms   > start 2 of generation 1 in slot 0
	`},
	{"ready rule notify: only the word", notify1, `
		replace by 1        > start 1 of generation 1 in slot 0
		1 listens           >
		1 answers the probe >
		wait 2s             >
		1 says ready        > 1 is ready: said so, generation 1 serves, generation 1 serves alone
	`},
	{"ready rule probe: only the probe", probe1, `
		replace by 1        > start 1 of generation 1 in slot 0
		1 listens           >
		1 says ready        >
		wait 2s             >
		1 answers the probe > 1 is ready: answers, generation 1 serves, generation 1 serves alone
	`},
	{"ready rule alive: only age", alive1, `
		replace by 1        > start 1 of generation 1 in slot 0
		1 listens           >
		1 says ready        >
		1 answers the probe >
		wait 1s             > 1 is ready: alive, generation 1 serves, generation 1 runs alone
	`},
	{"a probe is configured: the word counts, age does not", probed1, `
		replace by 1 > start 1 of generation 1 in slot 0
		1 listens    >
		wait 2s      >
		1 says ready > 1 is ready: said so, generation 1 serves, generation 1 serves alone
	`},
	{"a probe is configured: it answers", probed1, `
		replace by 1        > start 1 of generation 1 in slot 0
		wait 2s             >
		1 answers the probe > 1 is ready: answers, generation 1 serves, generation 1 serves alone
	`},
	{"READY=1 twice", parallel1, oneServes + `
		1 says ready >
	`},
	{"listening is expected again, even if it came late", parallel1, oneRuns + `
		1 listens    > 1 serves after all
		replace by 2 > start 2 of generation 2 in slot 0
		wait 2s      >
		2 listens    > 2 is ready: listens, ask 1 to finish, generation 2 serves
	`},
	{"the word is expected again: listening is not enough", parallel1, oneListens + `
		1 says ready >
		replace by 2 > start 2 of generation 2 in slot 0
		2 listens    >
		wait 2s      >
		2 says ready > 2 is ready: said so, ask 1 to finish, generation 2 serves
	`},
	{"the word has gone out of use: listening is enough after a while", parallel1, oneServes + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 listens    >
		wait 2s      >
		wait 1s      > 2 is ready: listens, ask 1 to finish, generation 2 serves
		replace by 3 > start 3 of generation 3 in slot 0
		3 listens    > 3 is ready: listens, ask 2 to finish, generation 3 serves
	`},
	{"only slot 0 listens: what is learned is the slot's", parallel2, `
		replace by 1 > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		1 listens    > 1 is ready: listens
		wait 1s      > 2 is ready: alive, generation 1 serves, generation 1 serves alone
		replace by 2 > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 listens    > 3 is ready: listens
		wait 1s      > 4 is ready: alive, ask 1 to finish, ask 2 to finish, generation 2 serves
	`},
	{"finished, and replaced", parallel1, `
		replace by 1 > start 1 of generation 1 in slot 0
		1 exits 0    > 1 is ready: finished, 1 exited, generation 1 serves, generation 1 serves alone
		wait 60s     >
		replace by 2 > start 2 of generation 2 in slot 0
		2 exits 0    > 2 is ready: finished, 2 exited, generation 2 serves, generation 2 serves alone
		             > generation 1 is gone
	`},
	{"an old one finishes after the new of its slot has", parallel2, `
		replace by 1 > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		wait 1s      > 1 is ready: alive, 2 is ready: alive, generation 1 serves, generation 1 runs alone
		replace by 2 > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 exits 0    > 3 is ready: finished, 3 exited
		1 exits 0    > 1 exited
		wait 1s      > 4 is ready: alive, ask 2 to finish, generation 2 serves
	`},
	{"a server that ends with code 0 at once has failed", parallel1, oneListens + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 exits 0    > generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone
	`},
	{"a program whose successor is done at once", parallel1, oneRuns + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 exits 0    > 2 is ready: finished, 2 exited, ask 1 to finish, generation 2 serves
	`},
	{"back-off grows to 5 s", parallel1, `
		replace by 1 > start 1 of generation 1 in slot 0
		1 exits 1    > 1 exited unexpectedly: again in 100ms
		wait 100ms   > start 2 of generation 1 in slot 0
		2 exits 1    > 2 exited unexpectedly: again in 200ms
		wait 200ms   > start 3 of generation 1 in slot 0
		3 exits 1    > 3 exited unexpectedly: again in 400ms
		wait 400ms   > start 4 of generation 1 in slot 0
		4 exits 1    > 4 exited unexpectedly: again in 800ms
		wait 800ms   > start 5 of generation 1 in slot 0
		5 exits 1    > 5 exited unexpectedly: again in 1.6s
		wait 1.6s    > start 6 of generation 1 in slot 0
		6 exits 1    > 6 exited unexpectedly: again in 3.2s
		wait 3.2s    > start 7 of generation 1 in slot 0
		7 exits 1    > 7 exited unexpectedly: again in 5s
		wait 5s      > start 8 of generation 1 in slot 0
		8 exits 1    > 8 exited unexpectedly: again in 5s
	`},
	{"back-off: workers that die together are one series", parallel2, `
		replace by 1 > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		1 exits 1    > 1 exited unexpectedly: again in 100ms
		2 exits 1    > 2 exited unexpectedly: again in 100ms
		wait 100ms   > start 3 of generation 1 in slot 0, start 4 of generation 1 in slot 1
		3 exits 1    > 3 exited unexpectedly: again in 200ms
		4 exits 1    > 4 exited unexpectedly: again in 200ms
	`},
	{"back-off: a save ends it and the count", parallel1, `
		replace by 1 > start 1 of generation 1 in slot 0
		1 exits 1    > 1 exited unexpectedly: again in 100ms
		wait 100ms   > start 2 of generation 1 in slot 0
		2 exits 1    > 2 exited unexpectedly: again in 200ms
		replace by 2 > start 3 of generation 2 in slot 0, generation 1 is gone
		3 exits 1    > 3 exited unexpectedly: again in 100ms
	`},
	{"back-off: a key ends it, not the count", parallel1, `
		replace by 1 > start 1 of generation 1 in slot 0
		1 exits 1    > 1 exited unexpectedly: again in 100ms
		wait 100ms   > start 2 of generation 1 in slot 0
		2 exits 1    > 2 exited unexpectedly: again in 200ms
		hurry        > start 3 of generation 1 in slot 0
		3 exits 1    > 3 exited unexpectedly: again in 400ms
	`},
	{"back-off: stable again, the count is over", parallel1, `
		replace by 1 > start 1 of generation 1 in slot 0
		1 exits 1    > 1 exited unexpectedly: again in 100ms
		wait 100ms   > start 2 of generation 1 in slot 0
		2 says ready > 2 is ready: said so, generation 1 serves, generation 1 serves alone
		wait 5s      >
		2 exits 1    > 2 exited unexpectedly: again at once, start 3 of generation 1 in slot 0
		3 exits 1    > 3 exited unexpectedly: again in 100ms
	`},
	{"back-off: an accident beside a crash loop waits with it", parallel2, `
		replace by 1 > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		1 says ready > 1 is ready: said so
		wait 5s      > 2 is ready: alive, generation 1 serves, generation 1 serves alone
		2 exits 1    > 2 exited unexpectedly: again in 100ms
		wait 60ms    >
		1 is killed  > 1 exited unexpectedly: again in 40ms
		wait 40ms    > start 3 of generation 1 in slot 0, start 4 of generation 1 in slot 1
	`},
	{"cannot be started: back-off", parallel1, `
		starts fail  >
		replace by 1 > start 1 of generation 1 in slot 0, 1 exited unexpectedly: again in 100ms
		wait 100ms   > start 2 of generation 1 in slot 0, 2 exited unexpectedly: again in 200ms
		wait 200ms   > start 3 of generation 1 in slot 0, 3 exited unexpectedly: again in 400ms
		starts work  >
		wait 400ms   > start 4 of generation 1 in slot 0
	`},
	{"cannot be started: the old ones serve on", parallel2, twoServe + `
		starts fail  >
		replace by 2 > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		             > generation 2 failed and 1 serves, 3 exited unexpectedly, kill 4, 4 exited, generation 2 is gone
	`},
	{"cannot be started, stop-first: the old one comes back", first1, oneServes + `
		replace by 2 > ask 1 to finish
		starts fail  >
		1 exits 0    > 1 exited, start 2 of generation 2 in slot 0, generation 2 failed and 1 serves
		             > 2 exited unexpectedly, start 3 of generation 1 in slot 0, generation 2 is gone
		             > 3 exited unexpectedly: again in 100ms
		starts work  >
		wait 100ms   > start 4 of generation 1 in slot 0
	`},
	{"four generations drain: the oldest is killed", parallel1, oneServes + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish, generation 2 serves
		replace by 3 > start 3 of generation 3 in slot 0
		3 says ready > 3 is ready: said so, ask 2 to finish, generation 3 serves
		replace by 4 > start 4 of generation 4 in slot 0
		4 says ready > 4 is ready: said so, ask 3 to finish, generation 4 serves
		replace by 5 > start 5 of generation 5 in slot 0
		5 says ready > 5 is ready: said so, ask 4 to finish, kill 1, generation 5 serves
		1 is killed  > 1 exited, generation 1 is gone
	`},
	{"grace over", parallel1, oneServes + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish, generation 2 serves
		wait 4.9s    >
		wait 100ms   > grace of 1 is over, kill 1
		1 is killed  > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"no grace", noGrace1, oneServes + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish, generation 2 serves
		wait 0s      > grace of 1 is over, kill 1
		1 is killed  > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"stop while the new start: they are killed, the old drain", parallel2, twoServe + `
		replace by 2 > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 says ready > 3 is ready: said so
		stop         > ask 1 to finish, ask 2 to finish, ask 3 to finish, kill 4
		4 is killed  > 4 exited
		1 exits 0    > 1 exited
		3 exits 0    > 3 exited
		2 exits 0    > 2 exited, stopped
	`},
	{"stop while draining: the grace is not renewed", parallel1, oneServes + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish, generation 2 serves
		wait 3s      >
		stop         > ask 2 to finish
		wait 2s      > grace of 1 is over, kill 1
		1 is killed  > 1 exited, generation 1 is gone
		wait 3s      > grace of 2 is over, kill 2
		2 is killed  > 2 exited, stopped
	`},
	{"stop in back-off", parallel1, `
		replace by 1 > start 1 of generation 1 in slot 0
		1 exits 1    > 1 exited unexpectedly: again in 100ms
		stop         > stopped
	`},
	{"stop while the old leave first", first1, oneServes + `
		replace by 2 > ask 1 to finish
		stop         >
		1 exits 0    > 1 exited, stopped
	`},
	{"stop, then a plan: it is gone before it came", parallel1, oneServes + `
		stop         > ask 1 to finish
		replace by 2 > generation 2 is gone
		hurry        >
		1 exits 1    > 1 exited, stopped
	`},
	{"stop twice, kill, kill", parallel1, oneServes + `
		stop        > ask 1 to finish
		stop        >
		kill        > kill 1
		kill        >
		1 is killed > 1 exited, stopped
	`},
	{"kill while draining", parallel1, oneServes + `
		replace by 2 > start 2 of generation 2 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish, generation 2 serves
		kill         > kill 1, kill 2
		1 is killed  > 1 exited, generation 1 is gone
		2 is killed  > 2 exited, stopped
	`},
	{"off: the first start waits", parallel2, `
		forbid starts >
		replace by 1  > starts are blocked
		wait 10s      >
		allow starts  >
		look          > starts are allowed again, start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
	`},
	{"off: found at the second of two starts", parallel1, oneServes + `
		forbid starts >
		scale to 2    > starts are blocked
		allow starts  >
		scale to 2    > starts are allowed again, start 2 of generation 1 in slot 1
	`},
	{"off: what serves is not sent away for what may not come", parallel1, oneServes + `
		forbid starts >
		replace by 2  > starts are blocked
		replace by 3  > generation 2 is gone
		wait 60s      >
		allow starts  >
		look          > starts are allowed again, start 2 of generation 3 in slot 0
		2 says ready  > 2 is ready: said so, ask 1 to finish, generation 3 serves
	`},
	{"off, stop-first: the same", first1, oneServes + `
		forbid starts >
		replace by 2  > starts are blocked
		wait 60s      >
		allow starts  >
		look          > starts are allowed again, ask 1 to finish
		1 exits 0     > 1 exited, start 2 of generation 2 in slot 0
	`},
	{"off, rolling: the same", rolling0, twoServe + `
		forbid starts >
		replace by 2  > starts are blocked
		allow starts  >
		hurry         > starts are allowed again, ask 1 to finish
	`},
	{"off while the old leave first", first1, oneServes + `
		replace by 2  > ask 1 to finish
		forbid starts >
		1 exits 0     > 1 exited, start 2 of generation 2 in slot 0, starts are blocked
		allow starts  >
		look          > starts are allowed again, start 3 of generation 2 in slot 0
	`},
	{"off when all new have come: they take over", parallel1, oneServes + `
		replace by 2  > start 2 of generation 2 in slot 0
		forbid starts >
		look          > starts are blocked
		2 says ready  > 2 is ready: said so, ask 1 to finish, generation 2 serves
		1 exits 0     > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"off when the new is slow: the old one stays until it serves", parallel1, oneServes + `
		replace by 2  > start 2 of generation 2 in slot 0
		forbid starts >
		look          > starts are blocked
		wait 4s       >
		2 says ready  > 2 is ready: said so, ask 1 to finish, generation 2 serves
	`},
	{"off when the new fails: the old one serves on", parallel1, oneServes + `
		replace by 2  > start 2 of generation 2 in slot 0
		forbid starts >
		look          > starts are blocked
		2 exits 1     > generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone
	`},
	{"off: what dies stays dead", parallel1, oneServes + `
		wait 5s       >
		forbid starts >
		1 exits 1     > 1 exited unexpectedly: again at once, start 2 of generation 1 in slot 0, starts are blocked
		hurry         >
		allow starts  >
		look          > starts are allowed again, start 3 of generation 1 in slot 0
	`},
	{"off and known: what should have been replaced dies", parallel1, oneServes + `
		forbid starts >
		replace by 2  > starts are blocked
		1 exits 1     > 1 exited unexpectedly: blocked
		allow starts  >
		look          > starts are allowed again, start 2 of generation 2 in slot 0
	`},
	{"off and known: what dies stays dead", parallel1, oneServes + `
		wait 5s       >
		forbid starts >
		look          > starts are blocked
		1 exits 1     > 1 exited unexpectedly: blocked
		allow starts  >
		look          > starts are allowed again, start 2 of generation 1 in slot 0
	`},
	{"off in back-off: there is no other after it", parallel1, `
		replace by 1  > start 1 of generation 1 in slot 0
		1 exits 1     > 1 exited unexpectedly: again in 100ms
		forbid starts >
		wait 100ms    > start 2 of generation 1 in slot 0, starts are blocked
		wait 60s      >
		allow starts  >
		look          > starts are allowed again, start 3 of generation 1 in slot 0
	`},
	{"off: scaled down all the same", parallel2, twoServe + `
		forbid starts >
		scale to 1    > starts are blocked, ask 2 to finish
		2 exits 0     > 2 exited, scaled to 1
	`},
	{"off, and stop", parallel1, `
		forbid starts >
		replace by 1  > starts are blocked
		stop          > stopped
	`},
	{"off and on again, unnoticed", parallel1, `
		replace by 1  > start 1 of generation 1 in slot 0
		forbid starts >
		allow starts  >
		look          >
		1 says ready  > 1 is ready: said so, generation 1 serves, generation 1 serves alone
	`},
	{"released, then gone: replaced once", parallel1, oneServes + `
		replace by 2               > start 2 of generation 2 in slot 0
		2 says ready               > 2 is ready: said so, ask 1 to finish, generation 2 serves
		1 lets go of its listeners > generation 2 serves alone
		1 lets go of its listeners >
		1 exits 0                  > 1 exited, generation 1 is gone
	`},
	{"released before the new one is ready is nobody's news", parallel1, oneServes + `
		replace by 2               > start 2 of generation 2 in slot 0
		1 lets go of its listeners >
		2 says ready               > 2 is ready: said so, ask 1 to finish, generation 2 serves
		1 exits 0                  > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"retire: the successor serves first", parallel1, oneServes + `
		wait 5s                    >
		retire 1                   > 1 retires, start 2 of generation 1 in slot 0
		2 says ready               > 2 is ready: said so, ask 1 to finish
		1 lets go of its listeners >
		1 exits 0                  > 1 exited
		wait 60s                   >
	`},
	{"retire: one after the other", parallel2, twoServe + `
		wait 5s      >
		retire 2     > 2 retires, start 3 of generation 1 in slot 1
		retire 1     > 1 retires
		3 says ready > 3 is ready: said so, ask 2 to finish, start 4 of generation 1 in slot 0
		4 says ready > 4 is ready: said so, ask 1 to finish
		2 exits 0    > 2 exited
		1 exits 0    > 1 exited
	`},
	{"retire: with an agent", parallel1, `
		replace by 1 with agent    > start 1 of generation 1 in slot 0
		agent of 1 connects        >
		1 accepts                  > 1 is ready: accepts, generation 1 serves, generation 1 serves alone
		1 gives its listener       >
		wait 5s                    >
		retire 1                   > 1 retires, start 2 of generation 1 in slot 0
		agent of 2 connects        >
		2 accepts                  > 2 is ready: accepts, ask 1 to drain
		1 lets go of its listeners >
		1 has no connections       > ask 1 to finish
		1 exits 0                  > 1 exited
	`},
	{"retire: the old one leaves first", first2, twoServe + `
		wait 5s      >
		retire 1     > 1 retires, ask 1 to finish
		retire 2     > 2 retires
		1 exits 0    > 1 exited, start 3 of generation 1 in slot 0
		3 says ready > 3 is ready: said so, ask 2 to finish
		2 exits 0    > 2 exited, start 4 of generation 1 in slot 1
		4 says ready > 4 is ready: said so
	`},
	{"retire: rolling without surge", rolling0, twoServe + `
		wait 5s      >
		retire 1     > 1 retires, ask 1 to finish
		retire 2     > 2 retires
		1 exits 0    > 1 exited, start 3 of generation 1 in slot 0
		3 says ready > 3 is ready: said so, ask 2 to finish
		2 exits 0    > 2 exited, start 4 of generation 1 in slot 1
		4 says ready > 4 is ready: said so
	`},
	{"retire: what it listens on cannot be handed over", auto2, `
		replace by 1 with agent > start 1 of generation 1 in slot 0, start 2 of generation 1 in slot 1
		agent of 1 connects     >
		1 accepts               > 1 is ready: accepts
		1 gives its listener    >
		1 keeps a socket        > 1 cannot hand over
		agent of 2 connects     >
		2 accepts               > 2 is ready: accepts, generation 1 serves, generation 1 serves alone
		2 gives its listener    >
		wait 5s                 >
		retire 1                > 1 retires, ask 1 to drain
		1 exits 0               > 1 exited, start 3 of generation 1 in slot 0
		agent of 3 connects     >
		3 accepts               > 3 is ready: accepts
		retire 2                > 2 retires, start 4 of generation 1 in slot 1
		agent of 4 connects     >
	`},
	{"retire: the successor dies", parallel1, oneServes + `
		wait 5s      >
		retire 1     > 1 retires, start 2 of generation 1 in slot 0
		2 exits 1    > 2 exited unexpectedly: again in 100ms
		wait 100ms   > start 3 of generation 1 in slot 0
		3 exits 1    > 3 exited unexpectedly: again in 200ms
		wait 200ms   > start 4 of generation 1 in slot 0
		4 says ready > 4 is ready: said so, ask 1 to finish
		1 exits 0    > 1 exited
	`},
	{"retire: the successor ends with code 0 and is no server", parallel1, oneListens + `
		wait 5s    >
		retire 1   > 1 retires, start 2 of generation 1 in slot 0
		2 exits 0  > 2 exited unexpectedly: again in 100ms
		wait 100ms > start 3 of generation 1 in slot 0
		3 listens  > 3 is ready: listens, ask 1 to finish
	`},
	{"retire: the successor hangs", parallel1, oneServes + `
		wait 5s            >
		retire 1           > 1 retires, start 2 of generation 1 in slot 0
		2 sleeps in a lock >
		wait 3s            > try 2 alone: lock, ask 1 to finish
		1 exits 0          > 1 exited
		wait 30s           > kill 2
		2 is killed        > 2 exited unexpectedly: again in 100ms
		wait 100ms         > start 3 of generation 1 in slot 0
		3 says ready       > 3 is ready: said so, 3 proved alone: lock
	`},
	{"retire: the successor meets what the old one holds", parallel1, oneListens + `
		wait 5s                                >
		retire 1                               > 1 retires, start 2 of generation 1 in slot 0
		2 exits 1 over an old worker's address > try 2 alone: address, ask 1 to finish
		                                       > 2 exited unexpectedly: again alone
		1 exits 0                              > 1 exited, start 3 of generation 1 in slot 0
		3 listens                              > 3 is ready: listens, 3 proved alone: address
		retire 3                               > 3 retires, ask 3 to finish
		3 exits 0                              > 3 exited, start 4 of generation 1 in slot 0
	`},
	{"retire: it dies first", parallel1, oneServes + `
		wait 5s      >
		retire 1     > 1 retires, start 2 of generation 1 in slot 0
		1 exits 1    > 1 exited unexpectedly: again at once
		2 says ready > 2 is ready: said so
		wait 60s     >
	`},
	{"retire: it leaves first by itself", parallel1, oneServes + `
		wait 5s      >
		retire 1     > 1 retires, start 2 of generation 1 in slot 0
		1 exits 0    > 1 exited
		2 says ready > 2 is ready: said so
		wait 60s     >
	`},
	{"retire: it leaves by itself with no successor", first1, `
		replace by 1 > start 1 of generation 1 in slot 0
		retire 1     > 1 retires
		1 exits 0    > 1 exited, start 2 of generation 1 in slot 0
		2 says ready > 2 is ready: said so, generation 1 serves, generation 1 serves alone
	`},
	{"retire: before it is ready", parallel1, `
		replace by 1 > start 1 of generation 1 in slot 0
		retire 1     > 1 retires
		1 says ready > 1 is ready: said so, generation 1 serves, generation 1 serves alone
		             > start 2 of generation 1 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish
		1 exits 0    > 1 exited
	`},
	{"retire: before it is stable, again and again", parallel1, oneServes + `
		retire 1     > 1 retires, start 2 of generation 1 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish
		retire 2     > 2 retires
		wait 100ms   > start 3 of generation 1 in slot 0
		3 says ready > 3 is ready: said so, ask 2 to finish
		retire 3     > 3 retires
		wait 200ms   > start 4 of generation 1 in slot 0
		4 says ready > 4 is ready: said so, ask 3 to finish
		wait 5s      > grace of 1 is over, kill 1, grace of 2 is over, kill 2, grace of 3 is over, kill 3
		retire 4     > 4 retires, start 5 of generation 1 in slot 0
	`},
	{"retire: while another generation comes", parallel1, oneServes + `
		wait 5s      >
		retire 1     > 1 retires, start 2 of generation 1 in slot 0
		replace by 2 > kill 2, start 3 of generation 2 in slot 0
		2 says ready >
		1 exits 0    > 1 exited
	`},
	{"retire: a save ends it, and the save is broken", parallel1, oneServes + `
		wait 5s      >
		replace by 2 > start 2 of generation 2 in slot 0
		retire 1     > 1 retires
		2 exits 1    > generation 2 failed and 1 serves, 2 exited unexpectedly, start 3 of generation 1 in slot 0
		             > generation 2 is gone
		3 says ready > 3 is ready: said so, ask 1 to finish
		1 exits 0    > 1 exited
	`},
	{"retire: the new generation, before it is whole", parallel2, twoServe + `
		wait 5s      >
		replace by 2 > start 3 of generation 2 in slot 0, start 4 of generation 2 in slot 1
		3 says ready > 3 is ready: said so
		retire 3     > 3 retires
		4 says ready > 4 is ready: said so, ask 1 to finish, ask 2 to finish, generation 2 serves
		             > start 5 of generation 2 in slot 0
		5 says ready > 5 is ready: said so, ask 3 to finish
	`},
	{"retire: stop", parallel1, oneServes + `
		wait 5s     >
		retire 1    > 1 retires, start 2 of generation 1 in slot 0
		stop        > ask 1 to finish, kill 2
		2 is killed > 2 exited
		1 exits 0   > 1 exited, stopped
	`},
	{"retire: twice", parallel1, oneServes + `
		wait 5s  >
		retire 1 > 1 retires, start 2 of generation 1 in slot 0
		retire 1 >
	`},
	{"retire: four generations drain, and the oldest also serves", parallel2, twoServe + `
		wait 5s      >
		retire 1     > 1 retires, start 3 of generation 1 in slot 0
		3 says ready > 3 is ready: said so, ask 1 to finish
		replace by 2 > start 4 of generation 2 in slot 0, start 5 of generation 2 in slot 1
		4 says ready > 4 is ready: said so
		replace by 3 > kill 5, start 6 of generation 3 in slot 0, start 7 of generation 3 in slot 1, ask 4 to finish
		6 says ready > 6 is ready: said so
		replace by 4 > kill 7, start 8 of generation 4 in slot 0, start 9 of generation 4 in slot 1, ask 6 to finish
		8 says ready > 8 is ready: said so
		replace by 5 > kill 9, start 10 of generation 5 in slot 0, start 11 of generation 5 in slot 1, ask 8 to finish
		             > kill 1
		1 is killed  > 1 exited
	`},
	{"limit of age: the successor serves first", aged1, oneServes + `
		wait 56s     >
		wait 1s      > 1 retires, start 2 of generation 1 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish
		1 exits 0    > 1 exited
		wait 56s     >
		wait 1s      > 2 retires, start 3 of generation 1 in slot 0
	`},
	{"limit of age: one after the other", aged2, twoServe + `
		wait 57s     > 1 retires, start 3 of generation 1 in slot 0, 2 retires
		wait 2s      >
		3 says ready > 3 is ready: said so, ask 1 to finish, start 4 of generation 1 in slot 1
		4 says ready > 4 is ready: said so, ask 2 to finish
	`},
	{"limit of age: not of those that leave anyway", aged1, oneServes + `
		wait 55s     >
		replace by 2 > start 2 of generation 2 in slot 0
		wait 2s      >
		2 says ready > 2 is ready: said so, ask 1 to finish, generation 2 serves
	`},
	{"limit of age: shorter than it takes to be stable", hasty1, oneServes + `
		wait 1s      > 1 retires, start 2 of generation 1 in slot 0
		2 says ready > 2 is ready: said so, ask 1 to finish
		1 exits 0    > 1 exited
		wait 1s      > 2 retires
		wait 100ms   > start 3 of generation 1 in slot 0
		3 says ready > 3 is ready: said so, ask 2 to finish
		2 exits 0    > 2 exited
		wait 1s      > 3 retires
		wait 100ms   >
		wait 100ms   > start 4 of generation 1 in slot 0
	`},
	{"limit of memory", aged1, `
		replace by 1      > start 1 of generation 1 in slot 0
		1 holds 100 bytes > 1 retires
		1 says ready      > 1 is ready: said so, generation 1 serves, generation 1 serves alone
		                  > start 2 of generation 1 in slot 0
		1 holds 100 bytes >
		2 says ready      > 2 is ready: said so, ask 1 to finish
	`},
	{"limit of requests", aged1, oneServes + `
		wait 5s                     >
		1 has answered 100 requests > 1 retires, start 2 of generation 1 in slot 0
		1 has answered 100 requests >
		2 says ready                > 2 is ready: said so, ask 1 to finish
	`},
	{"no limits", parallel1, oneServes + `
		wait 5s                     >
		1 holds 100 bytes           >
		1 has answered 100 requests >
		wait 3600s                  >
	`},
	{"limit of age: nothing may be started", aged1, oneServes + `
		forbid starts >
		look          > starts are blocked
		wait 60s      > 1 retires
		allow starts  >
		look          > starts are allowed again, start 2 of generation 1 in slot 0
	`},
	{"retire: one that retires asks again when workers may be started again", parallel1, oneServes + `
		wait 5s       >
		forbid starts >
		retire 1      > starts are blocked, 1 retires
		allow starts  >
		retire 1      > starts are allowed again, start 2 of generation 1 in slot 0
	`},
	{"retire: nothing may be started", parallel1, oneServes + `
		wait 5s       >
		forbid starts >
		retire 1      > starts are blocked, 1 retires
		allow starts  >
		look          > starts are allowed again, start 2 of generation 1 in slot 0
		2 says ready  > 2 is ready: said so, ask 1 to finish
		1 exits 0     > 1 exited
	`},
	{"retire: nothing may be started, and the old one would leave first", first1, oneServes + `
		wait 5s       >
		forbid starts >
		retire 1      > starts are blocked, 1 retires
		allow starts  >
		look          > starts are allowed again, ask 1 to finish
		1 exits 0     > 1 exited, start 2 of generation 1 in slot 0
	`},
	{"heeds: a server is waited for", parallel1, `
		replace by 1 with agent       > start 1 of generation 1 in slot 0
		agent of 1 connects           >
		1 accepts                     > 1 is ready: accepts, generation 1 serves, generation 1 serves alone
		1 gives its listener          >
		1 asks to be told of draining >
		replace by 2 with agent       > start 2 of generation 2 in slot 0
		agent of 2 connects           >
		2 accepts                     > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 has no connections          >
		1 has finished                > ask 1 to finish
		1 exits 0                     > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"heeds: its connections are waited for, too", parallel1, `
		replace by 1 with agent       > start 1 of generation 1 in slot 0
		agent of 1 connects           >
		1 accepts                     > 1 is ready: accepts, generation 1 serves, generation 1 serves alone
		1 gives its listener          >
		1 asks to be told of draining >
		replace by 2 with agent       > start 2 of generation 2 in slot 0
		agent of 2 connects           >
		2 accepts                     > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 has finished                >
		1 has no connections          > ask 1 to finish
		1 exits 0                     > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"heeds: without an agent it is told by its line", parallel1, oneListens + `
		1 asks to be told of draining >
		replace by 2                  > start 2 of generation 2 in slot 0
		2 listens                     > 2 is ready: listens, ask 1 to drain, generation 2 serves
		1 has finished                > ask 1 to finish
		1 exits 0                     > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"heeds: one that only takes messages leaves by itself", parallel1, `
		replace by 1                  > start 1 of generation 1 in slot 0
		1 asks to be told of draining >
		1 takes messages              > 1 is ready: takes messages, generation 1 serves, generation 1 serves alone
		replace by 2                  > start 2 of generation 2 in slot 0
		2 asks to be told of draining >
		2 takes messages              > 2 is ready: takes messages, ask 1 to drain, generation 2 serves
		1 has finished                >
		wait 4.9s                     >
		1 exits 0                     > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"heeds: and if it does not, the signal comes", parallel1, `
		replace by 1                  > start 1 of generation 1 in slot 0
		1 asks to be told of draining >
		1 takes messages              > 1 is ready: takes messages, generation 1 serves, generation 1 serves alone
		replace by 2                  > start 2 of generation 2 in slot 0
		2 asks to be told of draining >
		2 takes messages              > 2 is ready: takes messages, ask 1 to drain, generation 2 serves
		1 has finished                >
		wait 5s                       > ask 1 to finish
		wait 5s                       > grace of 1 is over, kill 1
		1 is killed                   > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"heeds: it never is done", parallel1, `
		replace by 1 with agent       > start 1 of generation 1 in slot 0
		agent of 1 connects           >
		1 accepts                     > 1 is ready: accepts, generation 1 serves, generation 1 serves alone
		1 gives its listener          >
		1 asks to be told of draining >
		replace by 2 with agent       > start 2 of generation 2 in slot 0
		agent of 2 connects           >
		2 accepts                     > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 has no connections          >
		wait 5s                       > end streams of 1, ask 1 to finish
		wait 5s                       > grace of 1 is over, kill 1
		1 is killed                   > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"heeds: its line breaks", parallel1, `
		replace by 1 with agent       > start 1 of generation 1 in slot 0
		agent of 1 connects           >
		1 accepts                     > 1 is ready: accepts, generation 1 serves, generation 1 serves alone
		1 gives its listener          >
		1 asks to be told of draining >
		replace by 2 with agent       > start 2 of generation 2 in slot 0
		agent of 2 connects           >
		2 accepts                     > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		1 has no connections          >
		line of 1 breaks              > ask 1 to finish
		1 exits 0                     > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"heeds: its agent goes first", parallel1, `
		replace by 1 with agent       > start 1 of generation 1 in slot 0
		agent of 1 connects           >
		1 accepts                     > 1 is ready: accepts, generation 1 serves, generation 1 serves alone
		1 gives its listener          >
		1 asks to be told of draining >
		replace by 2 with agent       > start 2 of generation 2 in slot 0
		agent of 2 connects           >
		2 accepts                     > 2 is ready: accepts, ask 1 to drain, generation 2 serves
		agent of 1 is gone            >
		1 has finished                > ask 1 to finish
		1 exits 0                     > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"heeds: its first word comes while it drains", parallel1, oneServes + `
		replace by 2                  > start 2 of generation 2 in slot 0
		2 says ready                  > 2 is ready: said so, ask 1 to finish, generation 2 serves
		1 asks to be told of draining >
		1 has finished                >
		1 exits 0                     > 1 exited, generation 2 serves alone, generation 1 is gone
	`},
	{"heeds: stop", parallel1, `
		replace by 1 with agent       > start 1 of generation 1 in slot 0
		agent of 1 connects           >
		1 accepts                     > 1 is ready: accepts, generation 1 serves, generation 1 serves alone
		1 gives its listener          >
		1 asks to be told of draining >
		stop                          > ask 1 to leave
		1 is idle                     >
		1 has finished                > ask 1 to finish
		1 exits 0                     > 1 exited, stopped
	`},
	{"takes messages: ready, and no more is learned", parallel1, `
		replace by 1     > start 1 of generation 1 in slot 0
		1 takes messages > 1 is ready: takes messages, generation 1 serves, generation 1 serves alone
		replace by 2     > start 2 of generation 2 in slot 0
		wait 1s          > 2 is ready: alive, ask 1 to finish, generation 2 serves
	`},
	{"takes messages: but it accepts, too", parallel1, `
		replace by 1 with agent > start 1 of generation 1 in slot 0
		agent of 1 connects     >
		1 takes messages        > 1 is ready: takes messages, generation 1 serves, generation 1 serves alone
		1 accepts               >
		1 gives its listener    >
		replace by 2 with agent > start 2 of generation 2 in slot 0
		agent of 2 connects     >
		2 takes messages        >
		2 accepts               > 2 is ready: accepts, ask 1 to drain, generation 2 serves
	`},
	{"what happens to strangers is nothing", parallel1, `
		9 says ready               >
		9 listens                  >
		9 lets go of its listeners >
		9 exits 1                  >
		replace by 1               > start 1 of generation 1 in slot 0
		9 says ready               >
	`},
}

// cells has the actions that follow an input in a state, for the worker in question and a service of one slot.
var cells = []struct{ state, input, want string }{
	{"backoff", "10s",
		"start 2 of generation 1 in slot 0, 2 is ready: alive, generation 1 serves, " +
			"generation 1 runs alone"},
	{"backoff", "1s", "start 2 of generation 1 in slot 0"},
	{"backoff", "60s",
		"start 2 of generation 1 in slot 0, 2 is ready: alive, generation 1 serves, " +
			"generation 1 runs alone"},
	{"backoff", "answers", ""},
	{"backoff", "cannot start",
		"start 2 of generation 9 in slot 0, generation 1 is gone, 2 exited unexpectedly: again in 100ms"},
	{"backoff", "exit 0", ""},
	{"backoff", "exit 1", ""},
	{"backoff", "hurry", "start 2 of generation 1 in slot 0"},
	{"backoff", "kill", "stopped"},
	{"backoff", "killed", ""},
	{"backoff", "listens", ""},
	{"backoff", "port of a stranger", ""},
	{"backoff", "port of an old one", ""},
	{"backoff", "released", ""},
	{"backoff", "replace", "start 2 of generation 9 in slot 0, generation 1 is gone"},
	{"backoff", "retire", ""},
	{"backoff", "stop", "stopped"},
	{"backoff", "word", ""},

	{"draining", "10s", "grace of 1 is over, kill 1"},
	{"draining", "1s", ""},
	{"draining", "60s", "grace of 1 is over, kill 1"},
	{"draining", "answers", ""},
	{"draining", "cannot start",
		"start 3 of generation 9 in slot 0, generation 9 failed and 2 serves, 3 exited unexpectedly, " +
			"generation 9 is gone"},
	{"draining", "exit 0", "1 exited, generation 2 serves alone, generation 1 is gone"},
	{"draining", "exit 1", "1 exited, generation 2 serves alone, generation 1 is gone"},
	{"draining", "hurry", ""},
	{"draining", "kill", "kill 1, kill 2"},
	{"draining", "killed", "1 exited, generation 2 serves alone, generation 1 is gone"},
	{"draining", "listens", ""},
	{"draining", "port of a stranger", "1 exited, generation 2 serves alone, generation 1 is gone"},
	{"draining", "port of an old one", "1 exited, generation 2 serves alone, generation 1 is gone"},
	{"draining", "released", "generation 2 serves alone"},
	{"draining", "replace", "start 3 of generation 9 in slot 0"},
	{"draining", "retire", ""},
	{"draining", "stop", "ask 2 to finish"},
	{"draining", "word", ""},

	{"exclusive", "10s", "grace of 1 is over, kill 1"},
	{"exclusive", "1s", ""},
	{"exclusive", "60s", "grace of 1 is over, kill 1"},
	{"exclusive", "answers", ""},
	{"exclusive", "cannot start", "generation 2 is gone"},
	{"exclusive", "exit 0", "1 exited, start 3 of generation 2 in slot 0"},
	{"exclusive", "exit 1", "1 exited, start 3 of generation 2 in slot 0"},
	{"exclusive", "hurry", ""},
	{"exclusive", "kill", "kill 1"},
	{"exclusive", "killed", "1 exited, start 3 of generation 2 in slot 0"},
	{"exclusive", "listens", ""},
	{"exclusive", "port of a stranger", "1 exited, start 3 of generation 2 in slot 0"},
	{"exclusive", "port of an old one", "1 exited, start 3 of generation 2 in slot 0"},
	{"exclusive", "released", ""},
	{"exclusive", "replace", "generation 2 is gone"},
	{"exclusive", "retire", ""},
	{"exclusive", "stop", ""},
	{"exclusive", "word", ""},

	{"failed", "10s", ""},
	{"failed", "1s", ""},
	{"failed", "60s", ""},
	{"failed", "answers", ""},
	{"failed", "cannot start",
		"start 3 of generation 9 in slot 0, generation 9 failed and 1 serves, 3 exited unexpectedly, " +
			"generation 9 is gone"},
	{"failed", "exit 0", "1 exited"},
	{"failed", "exit 1", "1 exited unexpectedly: again at once, start 3 of generation 1 in slot 0"},
	{"failed", "hurry", ""},
	{"failed", "kill", "kill 1"},
	{"failed", "killed", "1 exited unexpectedly: again at once, start 3 of generation 1 in slot 0"},
	{"failed", "listens", ""},
	{"failed", "port of a stranger", "1 exited unexpectedly: again at once, start 3 of generation 1 in slot 0"},
	{"failed", "port of an old one", "1 exited unexpectedly: again at once, start 3 of generation 1 in slot 0"},
	{"failed", "released", ""},
	{"failed", "replace", "start 3 of generation 9 in slot 0"},
	{"failed", "retire", "1 retires, start 3 of generation 1 in slot 0"},
	{"failed", "stop", "ask 1 to finish"},
	{"failed", "word", ""},

	{"fallback", "10s", ""},
	{"fallback", "1s", ""},
	{"fallback", "60s", "kill 3"},
	{"fallback", "answers", "3 is ready: answers, generation 1 serves alone"},
	{"fallback", "cannot start",
		"kill 3, start 4 of generation 9 in slot 0, generation 9 failed and 1 serves, " +
			"4 exited unexpectedly, start 5 of generation 1 in slot 0, generation 9 is gone, " +
			"5 exited unexpectedly: again in 100ms"},
	{"fallback", "exit 0", "3 is ready: finished, 3 exited, generation 1 serves alone"},
	{"fallback", "exit 1", "3 exited unexpectedly: again in 100ms"},
	{"fallback", "hurry", ""},
	{"fallback", "kill", "kill 3"},
	{"fallback", "killed", "3 exited unexpectedly: again in 100ms"},
	{"fallback", "listens", "3 is ready: listens, generation 1 serves alone"},
	{"fallback", "port of a stranger", "3 exited unexpectedly: again in 100ms"},
	{"fallback", "port of an old one", "3 exited unexpectedly: again in 100ms"},
	{"fallback", "released", ""},
	{"fallback", "replace", "kill 3, start 4 of generation 9 in slot 0"},
	{"fallback", "retire", "3 retires"},
	{"fallback", "stop", "kill 3"},
	{"fallback", "word", "3 is ready: said so, generation 1 serves alone"},

	{"finished", "10s", ""},
	{"finished", "1s", ""},
	{"finished", "60s", ""},
	{"finished", "answers", ""},
	{"finished", "cannot start",
		"start 2 of generation 9 in slot 0, generation 9 failed and 1 serves, 2 exited unexpectedly, " +
			"generation 9 is gone"},
	{"finished", "exit 0", ""},
	{"finished", "exit 1", ""},
	{"finished", "hurry", ""},
	{"finished", "kill", "stopped"},
	{"finished", "killed", ""},
	{"finished", "listens", ""},
	{"finished", "port of a stranger", ""},
	{"finished", "port of an old one", ""},
	{"finished", "released", ""},
	{"finished", "replace", "start 2 of generation 9 in slot 0"},
	{"finished", "retire", ""},
	{"finished", "stop", "stopped"},
	{"finished", "word", ""},

	{"given up", "10s", ""},
	{"given up", "1s", ""},
	{"given up", "60s", ""},
	{"given up", "answers", ""},
	{"given up", "cannot start", ""},
	{"given up", "exit 0",
		"generation 2 failed and 1 serves, 2 exited unexpectedly, start 3 of generation 1 in slot 0, " +
			"generation 2 is gone"},
	{"given up", "exit 1",
		"generation 2 failed and 1 serves, 2 exited unexpectedly, start 3 of generation 1 in slot 0, " +
			"generation 2 is gone"},
	{"given up", "hurry", ""},
	{"given up", "kill", ""},
	{"given up", "killed",
		"generation 2 failed and 1 serves, 2 exited unexpectedly, start 3 of generation 1 in slot 0, " +
			"generation 2 is gone"},
	{"given up", "listens", ""},
	{"given up", "port of a stranger",
		"generation 2 failed and 1 serves, 2 exited unexpectedly, start 3 of generation 1 in slot 0, " +
			"generation 2 is gone"},
	{"given up", "port of an old one",
		"generation 2 failed and 1 serves, 2 exited unexpectedly, start 3 of generation 1 in slot 0, " +
			"generation 2 is gone"},
	{"given up", "released", ""},
	{"given up", "replace", ""},
	{"given up", "retire", ""},
	{"given up", "stop", ""},
	{"given up", "word", ""},

	{"hung", "10s", "kill 2"},
	{"hung", "1s", ""},
	{"hung", "60s", "kill 2"},
	{"hung", "answers", "2 is ready: answers, 2 proved alone: lock, generation 2 serves"},
	{"hung", "cannot start", "kill 2"},
	{"hung", "exit 0", "generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone"},
	{"hung", "exit 1", "generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone"},
	{"hung", "hurry", ""},
	{"hung", "kill", "kill 2"},
	{"hung", "killed", "generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone"},
	{"hung", "listens", "2 is ready: listens, 2 proved alone: lock, generation 2 serves"},
	{"hung", "port of a stranger", "generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone"},
	{"hung", "port of an old one", "generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone"},
	{"hung", "released", ""},
	{"hung", "replace", "kill 2"},
	{"hung", "retire", "2 retires"},
	{"hung", "stop", "kill 2"},
	{"hung", "word", "2 is ready: said so, 2 proved alone: lock, generation 2 serves"},

	{"killing", "10s", ""},
	{"killing", "1s", ""},
	{"killing", "60s", ""},
	{"killing", "answers", ""},
	{"killing", "cannot start",
		"start 3 of generation 9 in slot 0, generation 9 failed and 2 serves, 3 exited unexpectedly, " +
			"generation 9 is gone"},
	{"killing", "exit 0", "1 exited, generation 2 serves alone, generation 1 is gone"},
	{"killing", "exit 1", "1 exited, generation 2 serves alone, generation 1 is gone"},
	{"killing", "hurry", ""},
	{"killing", "kill", "kill 2"},
	{"killing", "killed", "1 exited, generation 2 serves alone, generation 1 is gone"},
	{"killing", "listens", ""},
	{"killing", "port of a stranger", "1 exited, generation 2 serves alone, generation 1 is gone"},
	{"killing", "port of an old one", "1 exited, generation 2 serves alone, generation 1 is gone"},
	{"killing", "released", "generation 2 serves alone"},
	{"killing", "replace", "start 3 of generation 9 in slot 0"},
	{"killing", "retire", ""},
	{"killing", "stop", "ask 2 to finish"},
	{"killing", "word", ""},

	{"nothing", "10s", ""},
	{"nothing", "1s", ""},
	{"nothing", "60s", ""},
	{"nothing", "answers", ""},
	{"nothing", "cannot start", "start 1 of generation 9 in slot 0, 1 exited unexpectedly: again in 100ms"},
	{"nothing", "exit 0", ""},
	{"nothing", "exit 1", ""},
	{"nothing", "hurry", ""},
	{"nothing", "kill", "stopped"},
	{"nothing", "killed", ""},
	{"nothing", "listens", ""},
	{"nothing", "port of a stranger", ""},
	{"nothing", "port of an old one", ""},
	{"nothing", "released", ""},
	{"nothing", "replace", "start 1 of generation 9 in slot 0"},
	{"nothing", "retire", ""},
	{"nothing", "stop", "stopped"},
	{"nothing", "word", ""},

	{"overtaken", "10s", ""},
	{"overtaken", "1s", ""},
	{"overtaken", "60s", "kill 3"},
	{"overtaken", "answers", ""},
	{"overtaken", "cannot start",
		"kill 3, start 4 of generation 9 in slot 0, generation 9 failed and 1 serves, " +
			"4 exited unexpectedly, generation 9 is gone"},
	{"overtaken", "exit 0", "2 exited, generation 2 is gone"},
	{"overtaken", "exit 1", "2 exited, generation 2 is gone"},
	{"overtaken", "hurry", ""},
	{"overtaken", "kill", "kill 1, kill 3"},
	{"overtaken", "killed", "2 exited, generation 2 is gone"},
	{"overtaken", "listens", ""},
	{"overtaken", "port of a stranger", "2 exited, generation 2 is gone"},
	{"overtaken", "port of an old one", "2 exited, generation 2 is gone"},
	{"overtaken", "released", ""},
	{"overtaken", "replace", "kill 3, start 4 of generation 9 in slot 0"},
	{"overtaken", "retire", ""},
	{"overtaken", "stop", "ask 1 to finish, kill 3"},
	{"overtaken", "word", ""},

	{"ready", "10s", ""},
	{"ready", "1s", ""},
	{"ready", "60s", ""},
	{"ready", "answers", ""},
	{"ready", "cannot start",
		"start 2 of generation 9 in slot 0, generation 9 failed and 1 serves, 2 exited unexpectedly, " +
			"generation 9 is gone"},
	{"ready", "exit 0", "1 exited"},
	{"ready", "exit 1", "1 exited unexpectedly: again in 100ms"},
	{"ready", "hurry", ""},
	{"ready", "kill", "kill 1"},
	{"ready", "killed", "1 exited unexpectedly: again in 100ms"},
	{"ready", "listens", ""},
	{"ready", "port of a stranger", "1 exited unexpectedly: again in 100ms"},
	{"ready", "port of an old one", "1 exited unexpectedly: again in 100ms"},
	{"ready", "released", ""},
	{"ready", "replace", "start 2 of generation 9 in slot 0"},
	{"ready", "retire", "1 retires, start 2 of generation 1 in slot 0"},
	{"ready", "stop", "ask 1 to finish"},
	{"ready", "word", ""},

	{"replacing", "10s", ""},
	{"replacing", "1s", ""},
	{"replacing", "60s", "kill 2"},
	{"replacing", "answers", "2 is ready: answers, ask 1 to finish, generation 2 serves"},
	{"replacing", "cannot start",
		"kill 2, start 3 of generation 9 in slot 0, generation 9 failed and 1 serves, " +
			"3 exited unexpectedly, generation 9 is gone"},
	{"replacing", "exit 0", "generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone"},
	{"replacing", "exit 1", "generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone"},
	{"replacing", "hurry", ""},
	{"replacing", "kill", "kill 1, kill 2"},
	{"replacing", "killed", "generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone"},
	{"replacing", "listens", "2 is ready: listens, ask 1 to finish, generation 2 serves"},
	{"replacing", "port of a stranger",
		"generation 2 failed and 1 serves, 2 exited unexpectedly, generation 2 is gone"},
	{"replacing", "port of an old one", "try 2 alone: address, ask 1 to finish, 2 exited unexpectedly: again alone"},
	{"replacing", "released", ""},
	{"replacing", "replace", "kill 2, start 3 of generation 9 in slot 0"},
	{"replacing", "retire", "2 retires"},
	{"replacing", "stop", "ask 1 to finish, kill 2"},
	{"replacing", "word", "2 is ready: said so, ask 1 to finish, generation 2 serves"},

	{"respawned", "10s", ""},
	{"respawned", "1s", ""},
	{"respawned", "60s", "kill 2"},
	{"respawned", "answers", "2 is ready: answers"},
	{"respawned", "cannot start",
		"kill 2, start 3 of generation 9 in slot 0, generation 9 failed and 1 serves, " +
			"3 exited unexpectedly, start 4 of generation 1 in slot 0, generation 9 is gone, " +
			"4 exited unexpectedly: again in 100ms"},
	{"respawned", "exit 0", "2 is ready: finished, 2 exited"},
	{"respawned", "exit 1", "2 exited unexpectedly: again in 200ms"},
	{"respawned", "hurry", ""},
	{"respawned", "kill", "kill 2"},
	{"respawned", "killed", "2 exited unexpectedly: again in 200ms"},
	{"respawned", "listens", ""},
	{"respawned", "port of a stranger", "2 exited unexpectedly: again in 200ms"},
	{"respawned", "port of an old one", "2 exited unexpectedly: again in 200ms"},
	{"respawned", "released", ""},
	{"respawned", "replace", "kill 2, start 3 of generation 9 in slot 0"},
	{"respawned", "retire", "2 retires"},
	{"respawned", "stop", "kill 2"},
	{"respawned", "word", "2 is ready: said so"},

	{"stable", "10s", ""},
	{"stable", "1s", ""},
	{"stable", "60s", ""},
	{"stable", "answers", ""},
	{"stable", "cannot start",
		"start 2 of generation 9 in slot 0, generation 9 failed and 1 serves, 2 exited unexpectedly, " +
			"generation 9 is gone"},
	{"stable", "exit 0", "1 exited"},
	{"stable", "exit 1", "1 exited unexpectedly: again at once, start 2 of generation 1 in slot 0"},
	{"stable", "hurry", ""},
	{"stable", "kill", "kill 1"},
	{"stable", "killed", "1 exited unexpectedly: again at once, start 2 of generation 1 in slot 0"},
	{"stable", "listens", ""},
	{"stable", "port of a stranger", "1 exited unexpectedly: again at once, start 2 of generation 1 in slot 0"},
	{"stable", "port of an old one", "1 exited unexpectedly: again at once, start 2 of generation 1 in slot 0"},
	{"stable", "released", ""},
	{"stable", "replace", "start 2 of generation 9 in slot 0"},
	{"stable", "retire", "1 retires, start 2 of generation 1 in slot 0"},
	{"stable", "stop", "ask 1 to finish"},
	{"stable", "word", ""},

	{"starting", "10s", "1 is ready: alive, generation 1 serves, generation 1 runs alone"},
	{"starting", "1s", "1 is ready: alive, generation 1 serves, generation 1 runs alone"},
	{"starting", "60s", "1 is ready: alive, generation 1 serves, generation 1 runs alone"},
	{"starting", "answers", "1 is ready: answers, generation 1 serves, generation 1 serves alone"},
	{"starting", "cannot start", "kill 1, start 2 of generation 9 in slot 0, 2 exited unexpectedly: again in 100ms"},
	{"starting", "exit 0", "1 is ready: finished, 1 exited, generation 1 serves, generation 1 serves alone"},
	{"starting", "exit 1", "1 exited unexpectedly: again in 100ms"},
	{"starting", "hurry", ""},
	{"starting", "kill", "kill 1"},
	{"starting", "killed", "1 exited unexpectedly: again in 100ms"},
	{"starting", "listens", "1 is ready: listens, generation 1 serves, generation 1 serves alone"},
	{"starting", "port of a stranger", "1 exited unexpectedly: again in 100ms"},
	{"starting", "port of an old one", "1 exited unexpectedly: again in 100ms"},
	{"starting", "released", ""},
	{"starting", "replace", "kill 1, start 2 of generation 9 in slot 0"},
	{"starting", "retire", "1 retires"},
	{"starting", "stop", "kill 1"},
	{"starting", "word", "1 is ready: said so, generation 1 serves, generation 1 serves alone"},

	{"stopped", "10s", ""},
	{"stopped", "1s", ""},
	{"stopped", "60s", ""},
	{"stopped", "answers", ""},
	{"stopped", "cannot start", ""},
	{"stopped", "exit 0", ""},
	{"stopped", "exit 1", ""},
	{"stopped", "hurry", ""},
	{"stopped", "kill", ""},
	{"stopped", "killed", ""},
	{"stopped", "listens", ""},
	{"stopped", "port of a stranger", ""},
	{"stopped", "port of an old one", ""},
	{"stopped", "released", ""},
	{"stopped", "replace", ""},
	{"stopped", "retire", ""},
	{"stopped", "stop", ""},
	{"stopped", "word", ""},

	{"stopping", "10s", "grace of 1 is over, kill 1"},
	{"stopping", "1s", ""},
	{"stopping", "60s", "grace of 1 is over, kill 1"},
	{"stopping", "answers", ""},
	{"stopping", "cannot start", "generation 9 is gone"},
	{"stopping", "exit 0", "1 exited, stopped"},
	{"stopping", "exit 1", "1 exited, stopped"},
	{"stopping", "hurry", ""},
	{"stopping", "kill", "kill 1"},
	{"stopping", "killed", "1 exited, stopped"},
	{"stopping", "listens", ""},
	{"stopping", "port of a stranger", "1 exited, stopped"},
	{"stopping", "port of an old one", "1 exited, stopped"},
	{"stopping", "released", ""},
	{"stopping", "replace", "generation 9 is gone"},
	{"stopping", "retire", ""},
	{"stopping", "stop", ""},
	{"stopping", "word", ""},
}
