package process

import "golang.org/x/sys/windows"

// giveWay sets the idle class; children inherit the class.
func giveWay(pid int) {
	const setInformation = 0x0200 // PROCESS_SET_INFORMATION
	handle, err := windows.OpenProcess(setInformation, false, uint32(pid))
	if err != nil {
		return
	}
	defer windows.CloseHandle(handle)
	_ = windows.SetPriorityClass(handle, windows.IDLE_PRIORITY_CLASS)
}
