package gobuild

// reuse puts the binary at path, under a second name, where go is about to write: see the package doc. Windows removes
// no name of a binary that runs, so go could not write there: it links as always.
func reuse(path, out string) {}
