// Package process starts programs in such a way that none of them, and nothing they start, outlives hotreload.
//
// It is the one room in which children are born, for a build as for a worker, because two facts about them belong to
// the whole program and not to one of its parts: which pids are ours, and who has to end them when we are gone.
//
// # Theory of operation
//
// Every child leads a process group of its own, so that one signal reaches what it started and the terminal's Ctrl-C
// reaches only us. Three nets hang below it, each for what falls through the one above:
//
//   - Kill and Sweep. Kill ends the group. Sweep, called when the child is gone, also ends descendants that left the
//     group (setsid): on Linux we are a subreaper, so they become our children, and the mark that Start put into the
//     environment says whose they were.
//   - The parent-death signal (Linux). The kernel kills the child when the *thread* that made it ends
//     (golang/go#27505); therefore one goroutine, locked to its thread for life, makes them all.
//   - The guard. A tiny process in a session of its own that holds the read end of a pipe and a list of our children.
//     When the pipe ends, however we ended (kill -9 included), it ends them, their groups and, on Linux, everything
//     that carries our mark. Workers with an agent end by themselves when they find us gone, and are given the time
//     for it, and a reader for what they write (Linger). It also removes the files that nobody else would (Bequeath). It
//     is this binary again, started under another name: see Helper.
//
// On Windows a job object does all of it: children are born into the job and die with its last handle, ours.
//
// Orphans that come to us as a subreaper (or as PID 1) and end must be reaped, but never a child that somebody waits
// for: wait4(-1) would steal its exit status (golang/go#60481). The table of children makes the difference; a child
// is entered before the reaper can look.
//
// What it does not do: restart anything, decide when to kill, print.
package process
