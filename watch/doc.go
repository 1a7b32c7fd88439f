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
//		                                       |   ^
//		                           look at the disk, compare with the snapshot
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
//	  - ears.go keeps the kernel's watches; links.go the files that are seen through a symbolic link; set.go what is wanted.
//	  - Differences are merged in a draft (batch.go), and a window (debounce.go) says when it is settled.
//
//	  - The poller (poll.go) looks again and again at folders of which the kernel tells nothing (no watches are left) or not
//	    all (a network or shared file system, known by its type: silent_linux.go). A sweep over all of them takes a second,
//	    in ten parts; where something changed lately is looked at in each part. A part that takes longer than 20 ms goes on
//	    in the next, so a slow disk makes the sweep longer and nothing else slower.
//
// # Invariants
//
//   - The snapshot is what the consumer knows, plus the draft. A stamp changes only together with a record in the draft,
//     or silently because nobody could see the path until now (a new Set, new ignore rules).
//   - A folder in which something is wanted is heard from before it is read, or it is polled, or it has a Problem.
//   - A batch is the difference between the disk and what the last settled batch that was received said, however long the
//     consumer took. What was undone meanwhile is not in it.
//   - Only folders are given to the kernel, never files: the watch on a file dies with the first save by rename.
//   - Nothing but a regular file is opened. Opening a fifo would wait for its writer.
//
// # What it does not do
//
// It knows no Go, no build and no rules of what matters; ignore rules come in as a function. It does not notice by
// itself that a kernel keeps silent on a file system that it does not know: then polling has to be asked for.
//
// macOS: kqueue has a descriptor for every file in a watched folder, and the folders are only those of the build. At the
// limit on open files the rest is polled.
//
// What was undone within a lull was never seen. A program that reads a file in just that moment has read something that
// no batch tells of.
//
// An event that says no more than that attributes changed is dropped, so a folder that becomes readable is noticed
// at the next Watch or Sync. A symbolic link to a folder is followed if the Set names it or leads through it, but not
// inside a tree. Files of more than 4 MiB are judged by size and modification time: to touch one is a change. When a
// folder above all that is watched is moved, it is Sync that notices. Two names of one folder (symbolic links, bind
// mounts) are both reported, except on Windows.
package watch
