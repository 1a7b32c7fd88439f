package inspect

import (
	"bufio"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"hotreload/process"
)

// This file finds out who listens where: from the list of listeners, and from /proc/PID/fd, proc(5).

// SeesListeners reports whether the system names the listening processes.
const SeesListeners = true

// Inode is a socket's number in /proc.
type Inode string

// listening maps the Inode of every listening TCP and Unix socket of this network namespace to the socket's address.
func listening() map[Inode]Place {
	all := map[Inode]Place{}
	for _, l := range append(listeners(), unixListeners()...) {
		all[l.inode] = l.place
	}
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

// hexAddress reads "0100007F:1F90": the words of the address in host order, and the port in hexadecimal.
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
	return hostPort(raw, number), true
}

// hostPort writes an address as package net does; the host of all addresses is empty.
func hostPort(ip net.IP, port uint64) string {
	name := ip.String()
	if ip.IsUnspecified() {
		name = ""
	}
	return net.JoinHostPort(name, strconv.FormatUint(port, 10))
}

// socketsOf lists the inodes of a process's open sockets. A missing permission is an error; a missing process is not.
func socketsOf(pid int) ([]Inode, error) {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd/"
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, os.ErrPermission) {
			return nil, err
		}
		return nil, nil
	}
	var sockets []Inode
	for _, entry := range entries {
		target, err := os.Readlink(dir + entry.Name())
		if err != nil {
			continue
		}
		if number, ok := strings.CutPrefix(target, "socket:["); ok {
			sockets = append(sockets, Inode(strings.TrimSuffix(number, "]")))
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

// Listening lists the addresses on which these processes or their descendants listen with sockets that are not
// inherited. The kernel's tables are read once for all processes.
func Listening(inherited map[Inode]bool, pids ...int) []Place {
	var sockets []Inode
	for _, pid := range pids {
		sockets = append(sockets, strangersOf(pid, inherited)...)
	}
	return among(sockets, listening)
}

// listeningOf lists the sockets on which pid or a descendant listens.
func listeningOf(pid int) []Inode {
	all := listening()
	return slices.DeleteFunc(strangersOf(pid, nil), func(socket Inode) bool { return all[socket] == (Place{}) })
}

// Bound lists the addresses bound by pid or a descendant with sockets that are not ours: addresses of listeners, and
// UDP ports not chosen by the system.
func Bound(pid int, ours map[Inode]bool) []Place {
	candidates := strangersOf(pid, ours)
	return append(among(candidates, listening), among(candidates, datagrams)...)
}

// strangersOf lists the sockets of pid and its descendants that are not in known.
func strangersOf(pid int, known map[Inode]bool) (strangers []Inode) {
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

func among(sockets []Inode, table func() map[Inode]Place) (found []Place) {
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

// datagrams maps the Inode of every UDP socket of a server to the socket's address. A client's socket has a peer, or
// a port from the system's range for automatic ports.
func datagrams() map[Inode]Place {
	first, last := uint64(32768), uint64(60999)
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) == 2 {
			first, _ = strconv.ParseUint(fields[0], 10, 16)
			last, _ = strconv.ParseUint(fields[1], 10, 16)
		}
	}
	all := map[Inode]Place{}
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
				all[Inode(f[9])] = Place{Network: network, Addr: address}
			}
		})
	}
	return all
}

// HoldsAny reports whether pid or a descendant has one of the sockets open. known is false without the permission,
// for example if the worker has changed its user.
func HoldsAny(pid int, sockets map[Inode]bool) (holds, known bool) {
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

// InodeOf returns the inode of an open socket.
func InodeOf(socket syscall.Conn) Inode {
	raw, err := socket.SyscallConn()
	if err != nil {
		return ""
	}
	var stat unix.Stat_t
	_ = raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &stat) })
	if err != nil {
		return ""
	}
	return Inode(strconv.FormatUint(stat.Ino, 10))
}

// HolderOf finds the process whose socket prevents listening on a.
func HolderOf(a Place) Holder {
	wanted := map[Inode]bool{}
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

// clash reports whether a socket on b prevents listening on a.
func clash(a, b Place) bool {
	if a.Network == "unix" || b.Network == "unix" {
		return a.Network == b.Network && a.Addr == b.Addr
	}
	aHost, aPort, err := net.SplitHostPort(a.Addr)
	bHost, bPort, err2 := net.SplitHostPort(b.Addr)
	if err != nil || err2 != nil || aPort != bPort {
		return false
	}
	aIP, bIP := net.ParseIP(aHost), net.ParseIP(bHost)
	named := aHost != "" && aIP == nil // localhost stands for any of its addresses
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

// PeerOf returns the process at the other end of a Unix connection.
func PeerOf(connection net.Conn) Holder {
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
