//go:build !go1.24 && (linux || darwin)

package hooks

import "hotreload/agent/core"

func addLogger(*core.Hooks) {}
