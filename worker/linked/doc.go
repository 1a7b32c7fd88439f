// Package linked carries the agent: the code that hotreload links into a program in development builds so that it hands
// over its listeners to its successor, without the program knowing of it.
//
// # Theory of operation
//
// The agent is ordinary Go in the packages below this one. hotreload has their source (Sources) and adds it to the
// user's build with `go build -overlay`, as packages that seem to lie in the module of the main package, and a file
// that seems to lie in the main package and imports them: nothing is written into the user's tree, and no package of
// the standard library is compiled anew.
//
//	protocol   what agent and supervisor say to each other; linked into both
//	agent      the agent itself
//	hooks      fetches the variables of the standard library that the agent needs, by go:linkname
//	web        the part for net/http: answers that close their connection
//	webhooks   fetches the variable that it needs; linked only into programs that use net/http themselves
//
// The supervisor's side is package host, beside this one.
//
// The hooks are there for the standard library's own tests:
//
//	net.socketFunc                    makes bind succeed beside the supervisor's listener
//	net.listenFunc                    puts the supervisor's listener into the place of the program's socket
//	internal/poll.Accept4Func         counts; while draining it says EAGAIN, so that accept loops wait
//	internal/poll.AcceptFunc          the same for macOS
//	internal/poll.CloseFunc           knows when accepted connections are gone
//	net/http.testHookServerServe      puts a handler in front of each server's own
//
//	internal/testlog.logger           hears which files package os opens, but not whether to read or to write them (since
//	                                  Go 1.24; before it files are not reported)
//
// # Versions of Go
//
// It links, and 20 handovers under load lose nothing, with Go 1.21, 1.22, 1.23, 1.24, 1.25 and 1.26 (tested with
// 1.21.13, 1.22.12, 1.23.12, 1.24.13, 1.25.9 and 1.26.8; TestGoVersions does it). Since 1.23 the linker has to be told
// with -checklinkname=0. Older ones hotreload does not take. If a variable goes, the linker makes an empty one in its
// place, which the agent finds at its start: it tells the supervisor and does nothing (host.Absent). If net/http's goes
// nothing tells; the tests do.
//
// The agent is compiled as the language of the user's go.mod, so it keeps to that of Go 1.12: no generics, no any.
//
// # What it does not do
//
//   - Unix paths: from when the program removes its path, or is about to bind it, until it has bound it, nobody can
//     connect: some 0.2 ms at each start of a worker (1 ms on a busy machine; TestHowLongAPathLeadsNowhere), and again
//     when it removes the path as it closes. What is connected is safe.
//   - Abstract Unix sockets and UDP: nobody can bind a second one. The agent leaves them alone.
//   - Options that a program sets on a listener before it listens are those of the first worker that asked for the
//     address, until hotreload ends.
//   - Programs that accept by system calls of their own (gnet, evio) get listeners and do not drain.
//   - A listener that is made before the agent is initialised, in the init function of a package that sorts before it.
//   - On macOS a port that was asked for as 0 is another one in each worker: there it cannot be seen.
package linked
