package door

import "os"

// Private reports whether the folder belongs to the user and no other user can write there: in /tmp another user may
// have created the folder.
func Private(info os.FileInfo) bool { return private(info) }

// Secret reports whether the file belongs to the user and no other user has access.
func Secret(info os.FileInfo) bool { return secret(info) }
