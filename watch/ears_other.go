//go:build !(darwin || dragonfly || freebsd || netbsd || openbsd)

package watch

// hearingIsDear: a folder needs one watch, however many files it contains.
const hearingIsDear = false

// descriptorsMost: there is no limit, because watches need no descriptors.
func descriptorsMost() int { return 0 }
