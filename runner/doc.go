// Package runner is the reload loop: what was saved becomes what serves.
//
//	fsnotify event -> watch.Change -> watch.Batch -> classify -> Class
//	    -> gobuild.Build -> Artifact -> supervisor.Plan -> Replace
//
// It flows one way. Results come back only as inputs to the loop, and starting is a change like any other: there is no
// second path.
//
// # The invariant
//
// When the tree is quiet, what serves was built from that tree, or the user has been told why not. The last save wins,
// in every order of events: a build is killed by a newer save, a generation that is not ready yet is superseded by a
// newer one, and the result of a build whose inputs changed under it is thrown away.
//
// # Theory of operation
//
// One goroutine runs the loop (runner.go). It alone knows the phase. It does nothing that takes long: builds and go
// list run on goroutines that report, the watcher and the supervisor own their worlds. What to do is decided by decide
// (decide.go), a function from state and input to state and actions, without clock, context or effects. What the loop
// does when something happens stands beside what it is about: changes.go (a batch), requests.go (a person, a command),
// building.go (the graph, the program), workers.go (the supervisor), watching.go (what is watched for all of them),
// reconfigure.go (other settings).
//
//	            | Idle              Building             Replacing            Stopping
//	------------+-----------------------------------------------------------------------
//	rebuild     | build             kill, build          build                -
//	restart     | replace           after the build      replace              -
//	live, none  | -                 -                    -                    -
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
//	restart!    | as r, also of workers that are kept                         -
//	R           | build, replace    kill, build, replace build, replace       -
//	admitted    | -                 take the held result what has waited      -
//	halt        | hold back         kill, hold back      hold back            -
//	let in      | what was held     what was held        what was held        -
//	stop        | drain             kill build, drain    drain                kill
//	kill        | kill              kill all             kill                 kill
//
// Until a service is admitted (others have to serve first) it builds, and starts nothing. Where workers are kept (a service
// that is not reloadable) every replacement but the first, and those that somebody has asked for by "restart!", is only told.
//
// "Quiet" comes from the watcher: the first change of a batch starts the build at once, and the quiet window only
// holds back what would be shown or replaced too early. What is live needs no holding back: it is told at once (batch_test.go).
// Where workers would be replaced for nothing but files that they have read, they are first asked for all that they have
// opened until then (changes.go): on a busy machine it may come late that they have written the file themselves.
// Every cell is a case in decide_test.go.
//
// # Several services
//
// A Group (group.go) is the services of one hotreload: a Runner for each, with a loop, a watcher, a graph and a supervisor
// of its own, so that none has to know of the others. What they share is what must not be done twice: the build of a
// program that several of them run (forge.go), and the generators (generators.go). A service that is a command (command.go)
// has an empty graph, and for an artifact the file that the command names.
//
// # Watching and building at the same time
//
// The first build waits until go list has said what to watch. Later a save may change that (a new import), and then the
// build does not wait, and go list waits for the build, whose time it would take: renewed looks once whether a file that
// was not watched yet was touched after the build began, and Artifact.Moved tells the same of those that were.
//
// # What it does not do
//
// It prints nothing and reads no configuration: news are events (event.go), and what they mean in words is cli's.
package runner
