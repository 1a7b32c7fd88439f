package supervisor

import (
	"bufio"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"hotreload/process"
)

// Who listens where, from /proc: proc(5), /proc/net/tcp and /proc/PID/fd.

// inode is a socket's number in /proc.
type inode string

// listening maps the inode of every listening TCP and Unix socket of this network namespace to its address.
func listening() map[inode]Address {
	all := map[inode]Address{}
	for _, network := range []string{"tcp", "tcp6"} {
		eachRow("/proc/net/"+network, func(f []string) {
			// sl local rem st tx:rx tr:tm retrnsmt uid timeout inode
			if len(f) > 9 && f[3] == "0A" {
				if address, ok := hexAddress(f[1]); ok {
					all[inode(f[9])] = Address{Network: network, Addr: address}
				}
			}
		})
	}
	eachRow("/proc/net/unix", func(f []string) {
		// Num RefCount Protocol Flags Type St Inode Path; flag 0x10000 = listening
		if len(f) > 7 && f[3] == "00010000" {
			all[inode(f[6])] = Address{Network: "unix", Addr: f[7]}
		}
	})
	return all
}

func eachRow(path string, row func(fields []string)) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		row(strings.Fields(lines.Text()))
	}
}

// hexAddress reads "0100007F:1F90": words of the address in host order, the port in hexadecimal.
func hexAddress(text string) (string, bool) {
	host, port, ok := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	number, err2 := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil || err2 != nil || len(raw)%4 != 0 {
		return "", false
	}
	for i := 0; i < len(raw); i += 4 {
		raw[i], raw[i+1], raw[i+2], raw[i+3] = raw[i+3], raw[i+2], raw[i+1], raw[i]
	}
	ip := net.IP(raw)
	name := ip.String()
	if ip.IsUnspecified() {
		name = ""
	}
	return net.JoinHostPort(name, strconv.FormatUint(number, 10)), true
}

// socketsOf lists the inodes of the sockets that a process has open. It is an error if we may not know; that there is
// no such process is none.
func socketsOf(pid int) ([]inode, error) {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd/"
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, os.ErrPermission) {
			return nil, err
		}
		return nil, nil
	}
	var sockets []inode
	for _, entry := range entries {
		target, err := os.Readlink(dir + entry.Name())
		if err != nil {
			continue
		}
		if number, ok := strings.CutPrefix(target, "socket:["); ok {
			sockets = append(sockets, inode(strings.TrimSuffix(number, "]")))
		}
	}
	return sockets, nil
}

// family lists pid and its descendants.
func family(pid int) []int {
	pids := []int{pid}
	for i := 0; i < len(pids); i++ {
		dir := "/proc/" + strconv.Itoa(pids[i]) + "/task/"
		tasks, _ := os.ReadDir(dir)
		for _, task := range tasks {
			children, _ := os.ReadFile(dir + task.Name() + "/children")
			for _, field := range strings.Fields(string(children)) {
				if child, err := strconv.Atoi(field); err == nil {
					pids = append(pids, child)
				}
			}
		}
	}
	return pids
}

// listensItself lists the addresses on which pid, or a descendant, listens with sockets that are not inherited.
func listensItself(pid int, inherited map[inode]bool) []Address {
	return among(strangersOf(pid, inherited), listening)
}

// boundItself lists the addresses that pid, or a descendant, has for itself with sockets that are not ours: where it
// listens, and UDP ports that were chosen and not given by the system.
func boundItself(pid int, ours map[inode]bool) []Address {
	candidates := strangersOf(pid, ours)
	return append(among(candidates, listening), among(candidates, datagrams)...)
}

// strangersOf lists the sockets of pid and its descendants that are not known.
func strangersOf(pid int, known map[inode]bool) (strangers []inode) {
	for _, member := range family(pid) {
		sockets, _ := socketsOf(member)
		for _, socket := range sockets {
			if !known[socket] {
				strangers = append(strangers, socket)
			}
		}
	}
	return strangers
}

func among(sockets []inode, table func() map[inode]Address) (found []Address) {
	if len(sockets) == 0 {
		return nil
	}
	all := table()
	for _, socket := range sockets {
		if address, ok := all[socket]; ok {
			found = append(found, address)
		}
	}
	return found
}

// datagrams maps the inode of every UDP socket on which anybody may send something, to a port that was chosen, to its
// address. A client's socket has a port of the range from which the system chooses, or a peer.
func datagrams() map[inode]Address {
	first, last := uint64(32768), uint64(60999)
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) == 2 {
			first, _ = strconv.ParseUint(fields[0], 10, 16)
			last, _ = strconv.ParseUint(fields[1], 10, 16)
		}
	}
	all := map[inode]Address{}
	for _, network := range []string{"udp", "udp6"} {
		eachRow("/proc/net/"+network, func(f []string) {
			if len(f) <= 9 || strings.Trim(f[2], "0:") != "" {
				return
			}
			address, ok := hexAddress(f[1])
			if !ok {
				return
			}
			_, text, _ := net.SplitHostPort(address)
			if port, err := strconv.ParseUint(text, 10, 16); err == nil && port != 0 && (port < first || port > last) {
				all[inode(f[9])] = Address{Network: network, Addr: address}
			}
		})
	}
	return all
}

// holdsAny reports whether pid, or a descendant, has one of the sockets open. known is false where that cannot be
// found out, as of a worker that has become another user.
func holdsAny(pid int, sockets map[inode]bool) (holds, known bool) {
	known = true
	for _, member := range family(pid) {
		open, err := socketsOf(member)
		known = known && err == nil
		for _, socket := range open {
			if sockets[socket] {
				return true, true
			}
		}
	}
	return false, known
}

// inodeOf finds the number of an open socket.
func inodeOf(socket syscall.Conn) inode {
	raw, err := socket.SyscallConn()
	if err != nil {
		return ""
	}
	var stat unix.Stat_t
	_ = raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &stat) })
	if err != nil {
		return ""
	}
	return inode(strconv.FormatUint(stat.Ino, 10))
}

// holderOf finds the process that listens where a wants to.
func holderOf(a Address) Holder {
	wanted := map[inode]bool{}
	for socket, address := range listening() {
		if clash(a, address) {
			wanted[socket] = true
		}
	}
	if len(wanted) == 0 {
		return Holder{}
	}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		sockets, _ := socketsOf(pid)
		for _, socket := range sockets {
			if wanted[socket] {
				return holder(pid)
			}
		}
	}
	return Holder{}
}

// clash reports whether one cannot listen on a while another listens on b.
func clash(a, b Address) bool {
	if a.Network == "unix" || b.Network == "unix" {
		return a.Network == b.Network && a.Addr == b.Addr
	}
	aHost, aPort, err := net.SplitHostPort(a.Addr)
	bHost, bPort, err2 := net.SplitHostPort(b.Addr)
	if err != nil || err2 != nil || aPort != bPort {
		return false
	}
	aIP, bIP := net.ParseIP(aHost), net.ParseIP(bHost)
	named := aHost != "" && aIP == nil // localhost: any of its addresses
	all := aHost == "" || aIP.IsUnspecified() || bHost == ""
	return named || all || aIP.Equal(bIP)
}

func holder(pid int) Holder {
	return Holder{Pid: pid, Name: commandOf(pid), Ours: pid == os.Getpid() || process.Ours(pid)}
}

func commandOf(pid int) string {
	name, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	return strings.TrimSpace(string(name))
}

// peerOf names the process at the other end of a Unix connection.
func peerOf(connection net.Conn) Holder {
	raw, err := connection.(*net.UnixConn).SyscallConn()
	if err != nil {
		return Holder{}
	}
	var credentials *unix.Ucred
	_ = raw.Control(func(fd uintptr) {
		credentials, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil || credentials == nil {
		return Holder{}
	}
	return holder(int(credentials.Pid))
}
