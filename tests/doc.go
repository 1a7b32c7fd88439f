// Package tests runs the tests that a save reaches: the saved package first, then its importers, nearest first.
//
// # Theory of operation
//
//	file event -> watch.Batch -> saved -> order -> steps -> go test -json -> results -> Event
//
// A save reaches a package, and the packages that import it. touch (saved.go) tells for one changed path which package
// it belongs to and how: a source file reaches importers, too; a file of tests or in testdata reaches only the tests
// of its own package; go.mod reaches everything. order (order.go) makes steps from what was saved: each is one run of
// `go test`. Both are pure functions.
//
//   - The first step is what shows a failure soonest: the tests that failed last time, and the tests of the saved
//     _test.go file, if nothing else was saved in its package.
//   - Then come the saved packages, the last save first, and then their importers, nearest first.
//
// The Tester (tester.go) is one goroutine that owns everything: the graph, what was saved and not yet tested, the
// results, and the one `go test` process. A newer save kills the process. What was saved before and was not tested to
// the end is tested again, after the newer save.
//
// # Beside a service
//
// The Tester does not know services. Before each attempt, even before it lists packages, it asks Hold, which waits
// until nothing is built or started. If what was saved does not serve, the attempt is given up, and Go makes the next
// one. An answer of Hold from before a Go counts no more. If only files of tests were saved, they run in any case: no
// program will be built from them.
//
// # Files that tests write
//
// Tests may write into their own folders. A file in testdata that changes while tests run is tested once more when they
// have ended. If it changes again then, the tests write it, and it counts no more until it changes while no test runs.
// A source file always counts: a person or a generator has written it.
//
// # What it does not do
//
// It does not find out which test covers which line, or which files outside testdata a test opens. It does not run
// generators.
package tests
