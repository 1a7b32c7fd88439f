// Package lock locks files against other processes, and other openings of the same file in this one.
//
// A lock holds as long as the file is open, so that the system ends it with a process that dies. It is advisory: who does
// not ask for it can read and write.
package lock

import "os"

// Try locks the file without waiting; held says that somebody else has it. An error is that of a file system without
// locks.
func Try(file *os.File) (held bool, err error) { return try(file) }
