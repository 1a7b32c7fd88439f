package core

import "syscall"

// modified returns when the file was written last, in nanoseconds since 1970.
func modified(stat *syscall.Stat_t) int64 { return stat.Mtim.Nano() }

// nameOf returns the present name of the file behind a descriptor; "" if unknown.
func nameOf(fd int) string {
	buf := make([]byte, 4096)
	n, err := syscall.Readlink("/proc/self/fd/"+decimal(fd), buf)
	if err != nil || n == len(buf) {
		return ""
	}
	return string(buf[:n])
}

// decimal returns the digits of a number that is not negative.
func decimal(n int) string {
	var digits [20]byte
	i := len(digits)
	for {
		i--
		digits[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return string(digits[i:])
		}
	}
}
