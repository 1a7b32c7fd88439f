package control

import "os"

// private reports whether the folder is ours and nobody else can write to it. On Windows the folder for temporary files
// is the user's own.
func private(info os.FileInfo) bool { return info.IsDir() }

// secret reports whether nobody else can read the file, which is not known here: it is as safe as the folder is.
func secret(os.FileInfo) bool { return true }
