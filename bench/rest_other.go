//go:build unix && !linux

package main

import (
	"context"
	"time"
)

// rest waits for the time that a process may need to become idle.
func rest(ctx context.Context, _ int) {
	select {
	case <-time.After(15 * time.Second):
	case <-ctx.Done():
	}
}

// loadNow returns the machine's load.
func loadNow() string { return "unknown" }

// memoryOf returns a process's share of the machine's memory.
func memoryOf(int) string { return "an unknown part" }

// residentOf and watchesOf work on Linux only.
func residentOf(int) int { return 0 }
func watchesOf(int) int  { return 0 }
