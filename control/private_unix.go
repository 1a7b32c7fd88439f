//go:build unix

package control

import (
	"os"
	"syscall"
)

// private reports whether the folder is ours and nobody else can write to it: in /tmp anybody may have made it.
func private(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.IsDir() && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o022 == 0
}

// secret reports whether the file is ours and nobody else can do anything with it.
func secret(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o077 == 0
}
