//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package watch

import "golang.org/x/sys/unix"

// hearingIsDear: kqueue keeps a descriptor open for every file in a watched folder.
const hearingIsDear = true

// descriptorsMost leaves half of the allowed descriptors to the rest of the program: running the go command needs some,
// and without any nothing works.
func descriptorsMost() int {
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) != nil {
		return 0
	}
	return int(min(files.Cur, 1<<20) / 2)
}
