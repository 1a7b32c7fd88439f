package watch

import "syscall"

func changeTimeOf(st *syscall.Stat_t) int64 { return st.Ctim.Nano() }
