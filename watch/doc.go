// Package watch turns the kernel's file events into batches: what is different on the disk from what the consumer
// knows.
//
// # Theory of operation
//
// An event only makes a path suspicious; the truth is the disk, compared with a snapshot of it. Nothing is concluded
// from what an event says happened. So a save by rename, a save by truncating and writing, a backup file that comes and
// goes, a touch, the same content written again, a folder swapped for another, and events that the kernel dropped are
// no cases of their own: the path is looked at, and it differs from the snapshot or it does not.
//
//		fsnotify --event--> pump --suspects--> owner --Batch--> consumer
//		                                       |   ^  ^ |
//		   look at the disk, compare with the snapshot | glances
//		                                               | v
//		                                              scout
//
//	  - The pump (pump.go) is a goroutine that always reads events and errors. It holds the suspicious names of each folder
//	    and hands them over after a lull of 5 ms, or 20 ms after the first event if they do not stop.
//	  - The owner (watcher.go) is the goroutine that has all other state: the snapshot, what is heard, the open batch. To
//	    change something, send it a request (Watch, Sync, SetIgnored).
//	  - The snapshot (tree.go) is one tree of folders from the root of the file system down to what is watched, with a
//	    stamp (stamp.go) for every entry that may be reported. A folder above a watched one is in it for the one name
//	    that leads on.
//	  - A look (look.go) compares one name, or one folder, with the disk. It hears a folder before it reads it: what was
//	    made before the kernel listened is found by reading, and what is made afterwards comes as an event.
//	  - ears.go keeps the kernel's watches; poll.go and sweep.go do without them.
//	  - links.go has the files that are seen through a symbolic link; set.go what is wanted.
//	  - Differences are merged in a draft (batch.go), and a window (debounce.go) says when it is settled.
//
// # Polling and the patrol
//
// What the kernel does not tell of is polled (poll.go). That is decided for each folder: reason says why. Polling is
// another source of suspicion and nothing else; all that is said above holds for it.
//
//   - The sweep (sweep.go) goes round the polled folders, a part in each step of 100 ms, so that a round takes 1 s. The
//     16 files that changed last, and whether something came or went beside them, are looked at in each step.
//   - The scout is a goroutine that compares such a part with the disk: one stat for each file, one listing for each
//     folder, no content. So a disk that does not answer holds up nobody; after 10 s it is told. A part ends after 10 ms, and what is left
//     waits for the next: polling costs no more than a tenth of the time, and on a large tree or a slow disk a round takes
//     longer. With n files and s for a stat, the worst latency is the greater of 1 s and about 10 n s, the usual one half
//     of that for a file out of the blue, and 100 ms for the file at hand.
//   - While a batch is open, a part is all of a round, and the next follows after 15 ms, or after four times what the last
//     one took. The batch is not settled before the first round is over: what was saved together is in one batch. And a
//     file that is being written is seen to grow, and not taken for finished.
//
// What is polled:
//
//   - Disks that change behind the kernel's back (disk.go): network file systems, the host's folders in virtual machines
//     and containers, FUSE. They are known by their type, for each mount. What this machine does there has events, which
//     are heard as well.
//   - What a limit keeps from being heard (problem.go): one Problem for each limit, not for each folder.
//   - Everything, if Config.Poll says so, or if the kernel does not tell of a folder that was made and written to, to try it
//     (probe.go).
//   - Disks whose events have proved unreliable: the patrol is a slow sweep (a round takes a minute, a step 5 s) over what
//     is heard. It makes up for what no event tells of, such as a folder high above that was moved. If it finds three files
//     changed, more than 5 s ago, without an event, their disk is polled from then on.
//
// The same beat notices that the machine was suspended or the process stopped (both clocks are compared), and has
// everything looked at; an overflow of the kernel's queue does so at once. A change that was seen so and has an event later
// is no second change.
//
// # Invariants
//
//   - The snapshot is what the consumer knows, plus the draft. A stamp changes only together with a record in the draft,
//     or silently because nobody could see the path until now (a new Set, new ignore rules).
//   - A folder in which something is wanted is heard from before it is read, or it is in the round of what is polled.
//   - A batch is the difference between the disk and what the last settled batch that was received said, however long the
//     consumer took. What was undone meanwhile is not in it.
//   - Only folders are given to the kernel, never files: the watch on a file dies with the first save by rename.
//   - Nothing but a regular file is opened. Opening a fifo would wait for its writer. Of a file of more than 4 MiB nothing is
//     read, however often it changes.
//
// # Limits
//
// On Linux a watched folder costs one of fs.inotify.max_user_watches, whatever is in it, and hotreload itself one of
// fs.inotify.max_user_instances. On macOS and the BSDs (kqueue) it costs a descriptor, and so does each file in it. The limit
// there is that of open files; a Go program raises the soft one to the hard one when it starts. As the Set comes from the
// build graph, that is a few thousand for a large service. No more than half of what may be open is taken, so that the rest
// of the program can work. What does not fit is polled.
//
// # What it does not do
//
// It knows no Go, no build and no rules of what matters; ignore rules come in as a function.
//
// What was undone within a lull was never seen. A program that reads a file in just that moment has read something that
// no batch tells of.
//
// An event that says no more than that attributes changed is dropped, so a folder that becomes readable is noticed
// when its turn comes in a round. A symbolic link to a folder is followed if the Set names it or leads through it, but not
// inside a tree. Files of more than 4 MiB are judged by size and modification time: to touch one is a change. When a
// folder above all that is watched is moved, it is the patrol that notices, within a minute, or Sync. Two names of one folder (symbolic links, bind
// mounts) are both reported, except on Windows.
package watch
