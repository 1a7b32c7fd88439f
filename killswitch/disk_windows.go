package killswitch

import "os"

// syncFolder has nothing to do: a folder cannot be opened for that here.
func syncFolder(string) error { return nil }

// stateFolder is where programs keep what is neither settings nor a document: %LocalAppData%.
func stateFolder() (string, error) { return os.UserCacheDir() }
