package watch

// systemLimits are the limits whose use can be counted.
var systemLimits []string

// limitName: a folder needs a handle, and there are millions of handles.
func limitName(err error, _ bool) string { return openFilesLimit(err) }

func limitDetails(name string) (limit string, value, used int, raise string) { return name, 0, 0, "" }
