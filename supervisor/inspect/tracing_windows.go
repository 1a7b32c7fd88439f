package inspect

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

var isTraced = windows.NewLazySystemDLL("kernel32.dll").NewProc("CheckRemoteDebuggerPresent")

// tracingOf looks at the process alone, and the system does not tell whether the debugger has stopped the process.
func tracingOf(pid int) Tracing {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_INFORMATION, false, uint32(pid))
	if err != nil {
		return Untraced
	}
	defer windows.CloseHandle(process)
	var traced int32
	ok, _, _ := isTraced.Call(uintptr(process), uintptr(unsafe.Pointer(&traced)))
	if ok == 0 || traced == 0 {
		return Untraced
	}
	return Traced
}
