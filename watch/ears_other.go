//go:build !(darwin || dragonfly || freebsd || netbsd || openbsd)

package watch

// hearingIsDear: one watch for a folder, whatever is in it.
const hearingIsDear = false

// descriptorsMost: 0, they do not matter.
func descriptorsMost() int { return 0 }
