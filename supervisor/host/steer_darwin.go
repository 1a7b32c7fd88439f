package host

import "syscall"

// steer is not possible here; no agent asks for a shared listener.
func steer(int) error { return syscall.EOPNOTSUPP }
