package inspect

import (
	"os"
	"strconv"
	"strings"
)

func tracingOf(pid int) (most Tracing) {
	for _, one := range family(pid) {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(one) + "/status")
		if err == nil {
			most = max(most, tracingIn(string(text)))
		}
	}
	return most
}

// tracingIn reads /proc/PID/status.
func tracingIn(status string) Tracing {
	traced, stopped := false, false
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		switch name {
		case "State":
			stopped = strings.HasPrefix(value, "t")
		case "TracerPid":
			traced = value != "0"
		}
	}
	switch {
	case traced && stopped:
		return Stopped
	case traced:
		return Traced
	}
	return Untraced
}
