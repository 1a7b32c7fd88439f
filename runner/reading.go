package runner

import "hotreload/watch"

// hotreload derives the effect of a change from the workers' use of the file, without guesses from the file's name or
// place. The rules follow from these principles:
//
//  1. Reading decides, listing only extends. A file that a worker has read before it was ready takes effect in new
//     workers. Listing a folder alone replaces nobody: a new file in the folder counts if workers have read files of
//     the same kind there before they were ready; a removed file counts if it was read itself; a folder never counts,
//     but the files in it do.
//  2. A restart is always right, live has to be proved: the program has opened the file again for a later request, or
//     with a function that opens its files at each use. A single opening is no proof.
//  3. What the workers do is never an input. A file that workers leave is theirs, whatever its name becomes, until
//     somebody else changes the file.
//  4. A person's save is never dropped. Repeated changes are slowed down (patience.go), not ignored.
//  5. No path is foreign because of its prefix (places.go).
//
// The table has a line for each rule, in their order: the first rule that applies decides. Each line is a case in
// reading_test.go. The facts come from evidence.go, which remembers the workers' reports, and from the disk; this file
// has no memory and no effects.
//
//	what is known about the path                              | class   | reason
//	----------------------------------------------------------+---------+--------------------------------------------
//	a worker left it so, or has it open to write              | none    | written by the workers themselves
//	it is a folder                                            | none    | only the files in it count
//	a worker runs code from it                                | restart | loaded by the workers
//	read before ready, but only after this change             | none    | the workers read the file after it
//	read before ready, and again since this change, by the    | live    | the program reads the file again when
//	  same function; or so at an earlier change               |         |   it changes
//	read before ready                                         | restart | read by the workers at their start
//	read since, with a function that opens files at each use  | live    | read at each use
//	read since, again for a later request                     | live    | read again for later requests
//	read since, but only after this change                    | live    | the workers read the file after it
//	read since, once                                          | restart | read once, and probably kept in memory
//	read by workers that are gone, not by those that serve    | live    | read when needed, as by earlier workers
//	new, in a folder listed since this change                 | none    | the workers listed the folder after it
//	new, in a folder listed before ready, files of its kind   | restart | the workers read files of this kind at
//	  there were read                                         |         |   their start
//	new, in a folder listed before ready                      | none    | the workers read no files of this kind
//	new, in a folder listed since, again or at each use       | live    | the folder is listed again later
//	new, in a folder listed since, once, files of its kind    | restart | files of this kind were read once, and
//	  there were read                                         |         |   probably kept in memory
//	written by workers, and not read                          | none    | written by the workers, and not read
//	anything else                                             | -       | the workers have nothing to do with it

// reach tells how the workers have read or listed a path.
type reach uint8

const (
	never    reach = iota
	atStart        // before ready: the workers that serve, or will
	once           // since ready: the serving workers
	repeated       // since then, again for a later request
	eachUse        // since then, with a function that opens its files at each use
	formerly       // only by workers that have exited
)

// facts are the data on which the rules decide.
type facts struct {
	op      watch.Op
	dir     bool
	own     bool   // a worker has left the file as it is, or has the file open to write
	loaded  bool   // a worker runs code from the file
	read    reach  // the path
	since   bool   // all readers have read the path only after this change
	rereads bool   // the readers at the start read the path again after changes, with the same function
	by      string // the reading function
	wrote   bool   // workers have opened the path to write
	listed  reach  // the path's folder
	after   bool   // the folder was listed only after this change
	kind    string // workers have read files of this kind there: "*.html"; "" = none
	crowded bool   // the workers have opened too many files to tell the written ones
}

// class applies the rules. ok is false if the workers have nothing to do with the path.
func (f facts) class() (class Class, reason string, ok bool) {
	switch {
	case f.own && (f.read != never || f.listed != never || f.wrote):
		return None, "written by the workers themselves", true
	case f.own:
		return None, "", false
	case f.dir && (f.read != never || f.listed != never):
		return None, "a folder; only the files in it count", true
	case f.dir:
		return None, "", false
	case f.loaded:
		return Restart, "loaded by the workers", true
	case f.read != never:
		return f.ofRead()
	case f.op == watch.Created && f.listed != never:
		return f.ofNew()
	case f.wrote:
		return None, "written by the workers, and not read", true
	}
	return None, "", false
}

// ofRead applies the rules about files read by workers.
func (f facts) ofRead() (class Class, reason string, ok bool) {
	switch f.read {
	case atStart:
		switch {
		case f.since:
			return None, "the workers read the file after this change", true
		case f.rereads:
			return Live, "the program reads the file again when the file changes", true
		}
		return Restart, "read by the workers at their start", true
	case eachUse:
		return Live, "read at each use", true
	case repeated:
		return Live, "read again for later requests", true
	case once:
		if f.since {
			return Live, "the workers read the file after this change", true
		}
		return Restart, "read once, and probably kept in memory", true
	}
	return Live, "read when needed, as by earlier workers", true
}

// ofNew applies the rules about new files in folders listed by workers.
func (f facts) ofNew() (class Class, reason string, ok bool) {
	switch f.listed {
	case atStart, once:
		switch {
		case f.after:
			return None, "the workers listed the folder after this change", true
		case f.kind != "" && f.crowded:
			return None, "new; the workers have opened too many files to tell whether they wrote this one", true
		case f.kind != "" && f.listed == atStart:
			return Restart, "new in a folder whose " + f.kind + " the workers read at their start", true
		case f.kind != "":
			return Restart, "new in a folder whose " + f.kind + " were read once, and probably kept in memory", true
		}
		return None, "new; the workers have read no files of this kind there", true
	case eachUse, repeated:
		return Live, "new in a folder that is listed again for later requests", true
	}
	return Live, "new in a folder that is listed when needed, as by earlier workers", true
}
