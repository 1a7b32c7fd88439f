package inspect

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// connectionStates are the kernel's numbers of the states in which a process has a connection
// (include/net/tcp_states.h).
var connectionStates = map[string]string{
	"01": "established", "02": "syn-sent", "03": "syn-recv", "04": "fin-wait-1", "05": "fin-wait-2", "08": "close-wait",
	"09": "last-ack", "0B": "closing",
}

func connectionsOf(pid int) ([]Connection, bool) {
	table := map[Inode]Connection{}
	for _, network := range []string{"tcp", "tcp6"} {
		eachRow("/proc/net/"+network, func(f []string) {
			// sl local rem st tx:rx tr:tm retrnsmt uid timeout Inode
			if len(f) <= 9 || connectionStates[f[3]] == "" {
				return
			}
			local, ok1 := hexAddress(f[1])
			remote, ok2 := hexAddress(f[2])
			sent, read, ok3 := strings.Cut(f[4], ":")
			if !ok1 || !ok2 || !ok3 {
				return
			}
			unsent, _ := strconv.ParseInt(sent, 16, 64)
			unread, _ := strconv.ParseInt(read, 16, 64)
			table[Inode(f[9])] = Connection{
				Network: network,
				Local:   local,
				Remote:  remote,
				State:   connectionStates[f[3]],
				Unread:  int(unread),
				Unsent:  int(unsent),
			}
		})
	}
	var all []Connection
	seen := map[Inode]bool{}
	known := false
	for _, one := range family(pid) {
		sockets, err := socketsOf(one)
		known = known || err == nil
		for _, socket := range sockets {
			if c, ok := table[socket]; ok && !seen[socket] {
				seen[socket] = true
				all = append(all, c)
			}
		}
	}
	slices.SortFunc(all, func(a, b Connection) int {
		return cmp.Or(cmp.Compare(a.Local, b.Local), cmp.Compare(a.Remote, b.Remote))
	})
	return all, known
}
