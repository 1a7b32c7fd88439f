//go:build !linux

package gobuild

// memoryRoom returns the free memory; unknown here.
func memoryRoom() (room int64, known bool) { return 0, false }
