package killswitch

import "os"

// syncFolder does nothing: a folder cannot be opened for this here.
func syncFolder(string) error { return nil }

// stateFolder is where programs keep what is neither settings nor a document: %LocalAppData%.
func stateFolder() (string, error) { return os.UserCacheDir() }
