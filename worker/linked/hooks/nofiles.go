//go:build !go1.24 && (linux || darwin)

package hooks

import "hotreload/worker/linked/agent"

func addLogger(*agent.Hooks) {}
