package watch

// systemLimits are those of which it is known how much of them is in use.
var systemLimits []string

// limitName: there is a handle for every folder, and of those there are millions.
func limitName(err error, _ bool) string { return openFilesLimit(err) }

func limitDetails(name string) (limit string, value, used int, raise string) { return name, 0, 0, "" }
