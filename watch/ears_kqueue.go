//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package watch

// hearingIsDear: kqueue keeps a descriptor open for every file in a folder that it watches.
const hearingIsDear = true
