// Package process starts programs, and makes sure that neither the programs nor their descendants outlive hotreload.
//
// All child processes start here, builds as well as workers, because two facts concern hotreload as a whole: the pids
// of hotreload's own processes, and the means to end these processes after hotreload's death.
//
// # Theory of operation
//
// Each child leads its own process group. So one signal reaches the child and its descendants, and the terminal's
// Ctrl-C reaches only hotreload. Three safety nets follow, each for the processes missed by the previous net:
//
//   - Kill and Sweep. Kill ends the group. Sweep, called after the child's exit, also ends descendants that left the
//     group (setsid). On Linux hotreload is a subreaper, so these become its children, and a mark in the environment,
//     set by Start, names the child to which a descendant belongs. Sweep can spare daemons that were recorded while
//     the child lived (NoteDaemons, Manners); these end with hotreload.
//   - The parent-death signal (Linux). The kernel kills the child at the end of the *thread* that started the child
//     (golang/go#27505). So one goroutine, locked to its thread for life, starts all children.
//   - The guard: a small process in its own session, with the read end of a pipe and a list of all children. However
//     hotreload ends (kill -9 included), the pipe closes. The guard then ends the children, their groups and, on
//     Linux, all processes with the mark. Workers with an agent notice the end by themselves, and get time to finish
//     and a reader for their output (Linger). The guard also removes files that would be left behind (Bequeath). The
//     guard is hotreload's own binary under another name: see Helper.
//
// On Windows a job object has the same effect: children start inside the job and end with its last handle, which
// hotreload holds.
//
// As a subreaper (or as PID 1), hotreload must reap orphans, but never a child for which a goroutine waits: wait4(-1)
// would steal the exit status (golang/go#60481). The table of children tells a child from an orphan; a child is
// entered before the reaper can see the child.
//
// # What it does not do
//
// This package restarts nothing, does not decide when to kill, and prints nothing.
package process
