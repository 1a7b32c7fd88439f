// Package tests runs the tests that a save reaches: the saved package first, then its importers, nearest first.
//
// # Theory of operation
//
//	file event -> watch.Batch -> saved -> order -> steps -> go test -json -> results -> Event
//
// A save affects a package and its importers. For one changed path, touch (saved.go) returns the package and the kind
// of the file: a source file affects importers, too; a file of tests or in testdata affects only the tests of its own
// package; a file that tests have opened affects these tests; go.mod affects everything. From the saved files, order
// (order.go) makes steps; each step is one run of `go test`. Both are pure functions.
//
//   - The first step shows a failure soonest: the tests that failed last time, and the tests of the saved _test.go
//     file, if this file is the only saved one of its package.
//   - Then come the saved packages, the last save first, and then their importers, nearest first.
//
// The Tester (tester.go) is one goroutine. It owns the graph, the saved files that are not yet tested, the results, and
// the `go test` process, of which there is one at most. A newer save kills the process; interrupted tests run again
// after the tests of the newer save.
//
// # Bodies of functions
//
// Importers of a package whose declarations are what they were come last: less can be wrong in them. A shape
// (shape.go) tells so, not go's export data: these contain line numbers and the bodies of small functions, so that
// nearly each edit changes them, and the package would have to be compiled first.
//
// # Beside a service
//
// The Tester does not know services. Before each attempt, even before listing packages, it calls Hold, which waits
// until no build and no start is going on. If the saved code does not serve, the attempt ends, and Go starts the next
// one. A call of Go makes older answers of Hold invalid. If only files of tests were saved, the tests run in any case:
// no program will be built from such files.
//
// # Files that tests write
//
// Tests may write into their own folders. If a file in testdata changes while tests run, hotreload tests the package
// once more afterwards. If the file changes again during this second run, the tests write it; from then on, only
// changes between runs count. A source file always counts, because people and generators write source files.
//
// # Files that tests open
//
// A file reaches the packages whose tests opened it when they ran last. `go test` has the tests write a log of what
// they open, to find out whether a result in its cache still holds. With -work, go leaves the log where it is, and the
// Tester reads it (opened.go); the Tester removes go's temporary folder in go's place. The flag changes neither the
// tests nor what go caches, unlike -exec, with which go caches nothing and makes no log. A cached result has no log, so
// Config.Memory keeps what is known.
//
// # What it does not do
//
// Package tests does not find out which test covers which line. Generators do not run.
package tests
