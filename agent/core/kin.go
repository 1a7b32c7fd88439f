//go:build linux || darwin

package core

import (
	"os"
	"syscall"

	"hotreload/agent/protocol"
)

// A program may start itself again and let its children serve, like Fiber's Prefork. These children are the worker's
// kin: their agents connect with the worker's token. The worker's agent leaves the token in an environment variable,
// together with the identity of the executable, so other programs ignore the token.

// leaveForKin lets child processes of the same program find the supervisor.
func leaveForKin(path, token string) {
	if self := executable(); self != "" {
		_ = os.Setenv(protocol.KinVariable, self+" "+token+" "+path)
	}
}

// foundByKin returns the path and token that a worker's agent has left for this process, if both run the same
// program. Otherwise foundByKin removes the variable.
func foundByKin() (path, token string, kin bool) {
	left, there := syscall.Getenv(protocol.KinVariable)
	if !there {
		return "", "", false
	}
	self, rest := cutSpace(left)
	token, path = cutSpace(rest)
	if self == "" || self != executable() {
		_ = os.Unsetenv(protocol.KinVariable)
		return "", "", false
	}
	return path, token, true
}

// cutSpace returns the text before and after the first space, without package strings, because not every program uses
// that package.
func cutSpace(text string) (before, after string) {
	for i := 0; i < len(text); i++ {
		if text[i] == ' ' {
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

// identity identifies a file by device and inode; "" if the file does not exist.
func identity(path string) string {
	var stat syscall.Stat_t
	if syscall.Stat(path, &stat) != nil {
		return ""
	}
	return number(uint64(stat.Dev)) + ":" + number(stat.Ino)
}

// number returns n in decimal.
func number(n uint64) string {
	digits := [20]byte{}
	at := len(digits)
	for {
		at--
		digits[at] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return string(digits[at:])
		}
	}
}
