// Package lock locks files against other processes, and against other openings of the same file in this process.
//
// A lock lasts as long as the file is open, so it ends with its process. Locks are advisory: a program that does not
// use them can still read and write the file.
package lock

import "os"

// Try locks the file without waiting; held means that another opening has the lock. An error means a file system
// without locks.
func Try(file *os.File) (held bool, err error) { return try(file) }
