package gobuild

// startedAs returns the path to start: the link, whose name ps shows. os.Executable follows the link.
func startedAs(_, name string) string { return name }
