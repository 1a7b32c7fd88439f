package debugger

import (
	"os"
	"strings"
)

// Obstacle returns the reason why dlv cannot attach to workers, and a hint; "" if no reason is known. agent: the
// workers have the agent, and the agent allows hotreload's dlv to trace the worker.
func Obstacle(agent bool) (text, hint string) {
	value, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	if err != nil {
		return "", "" // there is no Yama
	}
	return obstacle(strings.TrimSpace(string(value)), agent, os.Getuid() == 0)
}

// obstacle has the rules of Yama: see ptrace(2). root has CAP_SYS_PTRACE, except in some containers.
func obstacle(scope string, agent, root bool) (text, hint string) {
	const name = "kernel.yama.ptrace_scope = "
	switch {
	case scope == "3":
		return name + "3: nobody may attach to a process", "only a restart of the system can change that"
	case scope == "2" && !root:
		return name + "2: only root may attach to a process", "sysctl kernel.yama.ptrace_scope=1"
	case scope == "1" && !agent && !root:
		return name + "1: without the agent, dlv may not attach to the program", "sysctl kernel.yama.ptrace_scope=0"
	}
	return "", ""
}
