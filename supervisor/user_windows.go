package supervisor

import (
	"errors"
	"os/exec"
	"syscall"
)

func (u *User) May() error            { return errors.New("workers cannot run as another user on Windows") }
func (u *User) Ours() bool            { return false }
func (u *User) assume(*exec.Cmd)      {}
func (u *User) own(string) error      { return nil }
func (u *User) barrier(string) string { return "" }
func (u *User) ownOpen(syscall.Conn)  {}
