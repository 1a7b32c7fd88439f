//go:build !linux

package watch

// limitName: kqueue has a descriptor for every file in a watched folder, Windows a handle for every folder.
func limitName(err error, _ bool) (name, file string) { return openFiles(err), "" }

func used(string) int { return 0 }
