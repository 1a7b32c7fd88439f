//go:build unix && !linux

package main

import (
	"context"
	"time"
)

// rest waits for as long as a process may take to have nothing to do.
func rest(ctx context.Context, _ int) {
	select {
	case <-time.After(15 * time.Second):
	case <-ctx.Done():
	}
}

// loadNow is the machine's load.
func loadNow() string { return "unknown" }

// memoryOf is how much of the memory a process has.
func memoryOf(int) string { return "an unknown part" }

// residentOf and watchesOf are known on Linux.
func residentOf(int) int { return 0 }
func watchesOf(int) int  { return 0 }
