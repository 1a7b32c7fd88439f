//go:build !linux

package debugger

// Supported: on macOS attaching needs the developer mode and has not been tried; on Windows there is no agent.
const Supported = false
