// Package runner contains the reload loop, which turns saved files into serving code.
//
//	fsnotify event -> watch.Change -> watch.Batch -> classify -> Class
//	    -> gobuild.Build -> Artifact -> supervisor.Plan -> Replace
//
// Data flows one way. Results come back only as inputs of the loop. The start is a change like any other; there is no
// second path.
//
// # The invariant
//
// When the tree is quiet, the serving program was built from this tree, or the user knows why not. The last save wins,
// in every order of events: a newer save kills a running build, a newer generation replaces one that is not ready yet,
// and a build whose inputs have changed meanwhile is thrown away.
//
// # Theory of operation
//
// One goroutine runs the loop (loop.go). Only this goroutine knows the phase, and it does nothing that takes long:
// builds and go list run on goroutines and report back; the watcher and the supervisor own their state. decide
// (decide.go), a function from state and input to state and actions, chooses the next step without a clock, a context
// or effects.
//
// The loop owns these parts, each with an invariant in its file:
//
//	part      | file         | what it knows
//	----------+--------------+-----------------------------------------------------------------------------
//	knowledge | knowledge.go | what changes are classified by: settings, packages, ignore rules, evidence
//	inbox     | inbox.go     | batches that nobody has classified yet, and what they wait for
//	causes    | causes.go    | changes that something will be done about, and what was told about them
//	listing   | listing.go   | the go list that runs
//	builds    | building.go  | the build that runs
//	programs  | programs.go  | the binaries that can be started, and the generations that run them
//	crew      | crew.go      | the workers
//	standing  | standing.go  | what is wrong with the code as it is
//
// A change travels once through the parts: from the watcher to the inbox (inbox.go), to knowledge for a class
// (knowledge.go), and to take for the report and for decide, by the strongest class of the batch (changes.go).
// Everything later goes by the classified change. The loop's other reactions are in requests.go (a person, a command),
// workers.go (the supervisor), watching.go (the watched paths) and reconfigure.go (new settings).
//
//	            | Idle              Building             Replacing            Stopping
//	------------+-----------------------------------------------------------------------
//	rebuild     | build             kill, build          build                -
//	restart     | replace           after the build      replace              -
//	commands    | run them          run them, build      run them             -
//	  ran       | -                 hold; when quiet:    -                    -
//	            |                     tell, or replace
//	  fed       | -                 build after them     -                    -
//	live, test, | -                 -                    -                    -
//	  none      |
//	  quiet     | what has waited   take the held result what has waited      -
//	graph grew  | build             kill, build          build                -
//	gone        | the next replacement builds first, for it has no program            -
//	built       | -                 hold; when quiet:    -                    -
//	            |                     same: tell
//	            |                     new: replace
//	  moved     | -                 build                -                    -
//	  failed    | -                 hold; when quiet:    -                    -
//	            |                     tell
//	served      | -                 -                    idle                 -
//	died        | -                 stale                idle, stale          -
//	r           | replace           after the build      replace              -
//	restart!    | as r, also for a pinned service                             -
//	R           | build, replace    kill, build, replace build, replace       -
//	admitted    | -                 take the held result what has waited      -
//	none wanted | hold back         kill, hold back      hold back            -
//	some wanted | what was held     what was held        what was held        -
//	stop        | drain             kill build, drain    drain                kill
//	kill        | kill              kill all             kill                 kill
//
// Before a service is admitted (services in After must serve first), the service builds but starts nothing. With
// reloadable = false, workers are only notified of a replacement, except at the first start and when a user requests a
// replacement by "restart!".
//
// "Commands" are the commands of rules. Before a change of any class takes effect, its commands run. If the class is
// not rebuild, the commands run alone, as a build without a compiler, unless a build is running, or the last build
// failed, or the commands write compiled files.
//
// "Quiet" comes from the watcher. The first change of a batch starts the build at once; the quiet window only delays
// results, so that none is shown or used too early. A live change is reported without delay (batch_test.go). If workers
// would be replaced only because of files read by workers, the loop first asks the workers for all files opened until
// then (inbox.go): on a busy machine, a worker's report of its own write may be late. decide_test.go has a case for
// every cell.
//
// # Several services
//
// A Group (group.go) contains the services of one hotreload: one Runner each, with its own loop, watcher, graph and
// supervisor, so the services need not know each other. Only work that must not happen twice is shared: the build of a
// program of several services (forge.go), and generators (generators.go). A service with a command (command.go) has an
// empty graph, and its artifact is the file named by the command.
//
// # Watching and building at the same time
//
// The first build waits until go list has named the folders to watch. A later save may add folders (a new import). Then
// the build does not wait, and go list waits for the build, because both need processor time. Afterwards listed checks
// whether a newly watched file was touched after the build began. Artifact.Moved does so for files already watched.
//
// # What it does not do
//
// This package prints nothing and reads no configuration. Events (event.go) carry the news; cli writes the sentences.
package runner
