// Package killswitch keeps the file that says which services must not be started.
//
//	{"global": false, "services": ["web", "mail"]}
//
// # The invariant
//
// A file that cannot be understood, or not be read, allows nothing: Read returns an error, and whoever is about to start
// something takes that for a no. Only a file that is not there allows everything. Whatever happens while it is written,
// a full disk or kill -9, readers see the old file or the new one, and never a part.
//
// # Theory of operation
//
// Readers take no lock: the file is only ever replaced as a whole, by rename(2). Writers take a lock on a second file
// beside it (PATH.lock), since the first one's inode changes; so each change is made to what the one before it has
// left, by any number of processes. The new text goes to PATH.new, and to the disk, before it is renamed. What a writer
// that was killed has left there, the next one throws away.
//
// The lock file stays: to remove it would let two writers lock two files of the same name.
//
// # What it does not do
//
// It stops nothing that runs, and does not know who runs. It does not watch its file: reading it costs microseconds, and
// is done before each start.
package killswitch
