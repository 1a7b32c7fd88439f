// Package killswitch keeps the list of services that must not start, in a file.
//
//	{"global": false, "services": ["web", "mail"]}
//
// # The invariant
//
// A file that cannot be read or parsed disables everything: Read returns an error, and callers treat an error as
// "disabled". Only a missing file enables everything. Whatever happens during a write, a full disk or kill -9, readers
// see the whole old file or the whole new file.
//
// # Theory of operation
//
// Readers take no lock, because rename(2) replaces the file as a whole. Writers lock a second file (PATH.lock), because
// the first file's inode changes. So each change starts from the result of the previous change, with any number of
// processes. A writer writes the new text to PATH.new, syncs PATH.new to the disk, and renames it to PATH. If a writer
// was killed, the next writer removes its PATH.new.
//
// The lock file stays: if it were removed, two writers could lock two files with the same name.
//
// # What it does not do
//
// This package stops no process and knows no process. It does not watch its file: callers read the file before each
// start, which takes microseconds.
package killswitch
