//go:build !386 && !s390x

package core

import (
	"syscall"
	"unsafe"
)

// awaited reports whether the last bytes received over a TCP connection came after the last bytes sent: then a
// request is in flight. If both times are within one tick of the kernel's clock, the order is unknown; then bytes of
// a second ago are taken for the end of an answer.
func awaited(fd int) bool {
	var info struct {
		_        [44]byte
		sent     uint32 // tcpi_last_data_sent, milliseconds ago
		_        uint32
		received uint32 // tcpi_last_data_recv
		_        [72]byte
		bytes    uint64 // tcpi_bytes_received
	}
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, uintptr(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || uintptr(size) != unsafe.Sizeof(info) || info.bytes == 0 {
		return false
	}
	return info.received < info.sent || info.received == info.sent && info.received < 1000
}
