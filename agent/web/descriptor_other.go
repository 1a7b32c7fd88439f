//go:build !linux && !darwin

package web

import "net"

func duplicate(int) int                { return -1 }
func closeFd(int)                      {}
func pair() (net.Conn, int)            { return nil, -1 }
func readable(int) (there, again bool) { return false, false }
