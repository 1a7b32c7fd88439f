package door

import "os"

// private is always true: the folder for temporary files belongs to the user.
func private(info os.FileInfo) bool { return info.IsDir() }

// secret is always true: readers of a file cannot be determined here. The file is as safe as its folder.
func secret(os.FileInfo) bool { return true }
