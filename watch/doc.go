// Package watch turns the kernel's file events into batches: the differences between the disk and the consumer's
// knowledge.
//
// # Theory of operation
//
// An event only makes a path suspicious. The truth is on the disk, and is compared with a snapshot. So several cases
// need no special code: a save by rename, a save by truncating and writing, a temporary backup file, a touch, the same
// content written again, a folder swapped for another, and events that the kernel dropped. In each case the path is
// read, and differs from the snapshot or not.
//
//	fsnotify --event--> pump --suspects--> owner --Batch--> consumer
//	                                       |   ^  ^ |
//	   look at the disk, compare with the snapshot | glances
//	                                               | v
//	                                              scout
//
// The parts:
//
//   - The pump (pump.go) is a goroutine that always reads events and errors. It collects the suspicious names of each
//     folder, and passes them on after 5 ms without an event, or 20 ms after the first event.
//   - The owner (watcher.go) is the goroutine with all other state. Callers change the state by requests (Watch, Sync,
//     SetIgnored). The state has four parts: polling -> snapshot -> ears, outlet. A part knows only the parts to its
//     right.
//   - The snapshot (snapshot.go) is one tree of folders (tree.go) from the root of the file system down to the watched
//     folders, with a stamp (stamp.go) for every entry to report. A folder above a watched one contains only the name
//     of the next folder down. set.go holds the wanted paths; links.go holds files reached through symbolic links.
//   - A look (look.go) compares one name or one folder with the disk. It registers a folder with the kernel before
//     reading it: reading finds everything older, and events report everything newer.
//   - The ears (ears.go) are the kernel's watches. probe.go finds out whether the kernel sends events at all.
//   - Polling (poll.go) works without the kernel. A sweep (sweep.go) chooses what to poll next.
//   - The outlet (outlet.go) merges differences into a draft (batch.go). A window (debounce.go) tells when the draft
//     is settled.
//
// # Polling and the patrol
//
// Folders without kernel events are polled (poll.go). The decision is made per folder; reason gives the cause. Polling
// is just another source of suspicion; everything above also holds for it.
//
//   - The sweep (sweep.go) polls one part of the folders every 100 ms, so a round takes 1 s. Each step also polls the
//     16 most recently changed files, and their folders for added and removed names.
//   - The scout is a goroutine that compares such a part with the disk: one stat per file, one listing per folder, no
//     contents. So a disk that does not answer blocks only the scout; after 10 s this is reported. A part ends after
//     10 ms, and the rest waits for the next step: polling takes at most a tenth of the time, and on a large tree or a
//     slow disk a round takes longer. With n files and s seconds per stat, the longest delay is 1 s or about 10 n s,
//     whichever is greater. The usual delay is half of this, and 100 ms for a recently changed file.
//   - While a batch is open, a part is a whole round, and the next round follows after 15 ms, or after four times the
//     duration of the last one. The batch is settled only after the first complete round, so files saved together are
//     in one batch. And a file in the middle of a write is seen to grow, and not taken for complete.
//
// These folders and files are polled:
//
//   - Disks that change without kernel events (disk.go): network file systems, the host's folders in virtual machines
//     and containers, FUSE. The type of each mount tells. Changes made on this machine do send events, and these are
//     used, too.
//   - Folders beyond a limit (problem.go): there is one Problem per limit, not per folder.
//   - Everything, if Config.Poll is set, or if the kernel sent no event for changes in a test folder (probe.go).
//   - Disks with unreliable events. The patrol is a slow sweep (a round takes a minute, a step 5 s) over folders with
//     events. The patrol finds changes without an event, such as a moved folder far above. After three files with a
//     change more than 5 s ago and no event, their disk is polled from then on.
//
// The same beat compares two clocks to notice a suspended machine or a stopped process, and has everything read again.
// After an overflow of the kernel's queue, everything is read at once. A change found by reading counts once, even if
// its event arrives later.
//
// # Invariants
//
//   - The snapshot is the consumer's knowledge plus the draft. A stamp changes only together with a record in the
//     draft, or silently if the path was not visible before (a new Set, new ignore rules).
//   - A folder with wanted entries is registered with the kernel before the folder is read, or the folder is polled.
//   - A batch is the difference between the disk and the last settled batch that the consumer received, however long
//     the consumer took. Changes undone meanwhile are not in the batch.
//   - The kernel watches only folders, never files: the watch on a file ends with the first save by rename.
//   - Only regular files are opened, because opening a fifo would wait for its writer. A file of more than 4 MiB is
//     never read, however often it changes.
//
// # Limits
//
// On Linux a watched folder uses one of fs.inotify.max_user_watches, whatever it contains, and hotreload itself one of
// fs.inotify.max_user_instances. On macOS and the BSDs (kqueue) a folder uses a file descriptor, and so does each file
// in it. The limit there is the number of open files; a Go program raises its soft limit to the hard limit at its
// start. The Set comes from the build graph, so a large service needs a few thousand. Watching uses at most half of the
// allowed open files, so the rest of the program can work. The rest is polled.
//
// # What it does not do
//
// This package knows nothing about Go, builds, or which changes matter; ignore rules come in as a function.
//
// Changes undone within a lull of the pump are never seen. A program that reads the file in between gets contents that
// no batch reports.
//
// An event about attributes alone is dropped, so a newly readable folder is noticed by the next poll. A symbolic link
// to a folder is followed if the Set names it or leads through it, but not inside a tree. For files of more than 4 MiB,
// size and modification time decide: a touch is a change. If a folder above all watched folders is moved, the patrol
// notices this within a minute, or Sync at once. Two names of one folder (symbolic links, bind mounts) are both
// reported, except on Windows.
package watch
