package inspect

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// listener is a listening socket of this network namespace.
type listener struct {
	inode  Inode
	place  Place
	queued int // connections in the accept queue; unknown of a Unix socket
}

// listeners lists the listening TCP sockets of this network namespace. sock_diag(7) is asked for these alone, and takes
// 0.1 ms. In /proc/net/tcp they come first, but a read goes on through the table of all connections until it has filled
// a page: 10 ms where nobody is connected. /proc is read where the kernel has no sock_diag.
func listeners() (all []listener) {
	families := []struct {
		network string
		family  byte
	}{{"tcp", unix.AF_INET}, {"tcp6", unix.AF_INET6}}
	for _, f := range families {
		some, err := diagnosed(f.network, f.family)
		if err != nil {
			some = inTable(f.network)
		}
		all = append(all, some...)
	}
	return all
}

// Sizes of the kernel's structs, and offsets in inet_diag_msg (include/uapi/linux/inet_diag.h) and unix_diag_msg
// (unix_diag.h).
const (
	sizeofRequest = 56 // inet_diag_req_v2
	sizeofMessage = 72 // inet_diag_msg

	offsetPort   = 4
	offsetSource = 8
	offsetQueue  = 56 // of a listening socket: connections in its accept queue
	offsetInode  = 68

	sizeofUnixRequest = 24 // unix_diag_req
	sizeofUnixMessage = 16 // unix_diag_msg
	offsetUnixInode   = 4
	offsetShow        = 12 // in the request: which attributes the answers have
	showName          = 1  // UDIAG_SHOW_NAME
	nameAttribute     = 0  // UNIX_DIAG_NAME

	stateListen = 10 // TCP_LISTEN in include/net/tcp_states.h; Unix sockets have it, too
)

// diagPatience is the limit for one answer of the kernel, which answers at once.
var diagPatience = unix.Timeval{Sec: 1}

// diagnosed asks sock_diag for the TCP listeners of a family.
func diagnosed(network string, family byte) (all []listener, err error) {
	request := make([]byte, sizeofRequest)
	request[0], request[1] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(request[4:], 1<<stateListen)
	return all, diagnose(request, func(message []byte) {
		if l, ok := diagnosedOne(network, message); ok {
			all = append(all, l)
		}
	})
}

// unixListeners lists the listening Unix sockets with a path or an abstract name ("@…") of this network namespace.
func unixListeners() (all []listener) {
	request := make([]byte, sizeofUnixRequest)
	request[0] = unix.AF_UNIX
	binary.NativeEndian.PutUint32(request[4:], 1<<stateListen)
	binary.NativeEndian.PutUint32(request[offsetShow:], showName)
	err := diagnose(request, func(message []byte) {
		if l, ok := diagnosedUnix(message); ok {
			all = append(all, l)
		}
	})
	if err == nil {
		return all
	}
	all = nil
	eachRow("/proc/net/unix", func(f []string) {
		// Num RefCount Protocol Flags Type St Inode Path; flag 0x10000 = listening
		if len(f) > 7 && f[3] == "00010000" {
			all = append(all, listener{inode: Inode(f[6]), place: Place{Network: "unix", Addr: f[7]}})
		}
	})
	return all
}

// diagnose sends a request to sock_diag, and calls each with every message of the answer.
func diagnose(body []byte, each func(message []byte)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &diagPatience); err != nil {
		return err
	}
	request := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+len(body))
	binary.NativeEndian.PutUint32(request, uint32(cap(request)))
	binary.NativeEndian.PutUint16(request[4:], unix.SOCK_DIAG_BY_FAMILY)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	request = append(request, body...)
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 64<<10) // the kernel sends at most 32 KiB at a time (netlink_dump in net/netlink/af_netlink.c)
	for {
		n, _, err := unix.Recvfrom(fd, answer, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		messages, err := syscall.ParseNetlinkMessage(answer[:n])
		if err != nil {
			return err
		}
		for _, message := range messages {
			switch message.Header.Type {
			case unix.NLMSG_DONE:
				return nil
			case unix.NLMSG_ERROR:
				return errors.New("sock_diag refuses")
			}
			each(message.Data)
		}
	}
}

// diagnosedUnix reads a unix_diag_msg, and the attribute with the name after it. The kernel writes the zero byte of an
// abstract name as it is, and the path without one.
func diagnosedUnix(message []byte) (l listener, ok bool) {
	if len(message) < sizeofUnixMessage || message[2] != stateListen {
		return listener{}, false
	}
	l.inode = inodeOf(binary.NativeEndian.Uint32(message[offsetUnixInode:]))
	for rest := message[sizeofUnixMessage:]; len(rest) >= unix.SizeofRtAttr; {
		length := int(binary.NativeEndian.Uint16(rest))
		if length < unix.SizeofRtAttr || length > len(rest) {
			return listener{}, false
		}
		if value := rest[unix.SizeofRtAttr:length]; binary.NativeEndian.Uint16(rest[2:]) == nameAttribute && len(value) > 0 {
			name := strings.TrimRight(string(value), "\x00")
			if value[0] == 0 {
				name = "@" + string(value[1:])
			}
			l.place = Place{Network: "unix", Addr: name}
		}
		rest = rest[min(len(rest), (length+3)&^3):] // attributes are aligned to four bytes
	}
	return l, l.place.Addr != ""
}

func inodeOf(number uint32) Inode { return Inode(strconv.FormatUint(uint64(number), 10)) }

// diagnosedOne reads an inet_diag_msg.
func diagnosedOne(network string, message []byte) (l listener, ok bool) {
	if len(message) < sizeofMessage || message[1] != stateListen {
		return listener{}, false
	}
	ip := net.IP(message[offsetSource : offsetSource+net.IPv6len])
	if message[0] == unix.AF_INET {
		ip = ip[:net.IPv4len]
	}
	port := binary.BigEndian.Uint16(message[offsetPort:])
	return listener{
		inode:  inodeOf(binary.NativeEndian.Uint32(message[offsetInode:])),
		place:  Place{Network: network, Addr: hostPort(ip, uint64(port))},
		queued: int(binary.NativeEndian.Uint32(message[offsetQueue:])),
	}, true
}

// inTable reads the listeners in /proc/net/tcp or tcp6. The kernel lists listening sockets before all others
// (tcp_get_idx in net/ipv4/tcp_ipv4.c), and formats only as many rows as are read.
func inTable(network string) (all []listener) {
	file, err := os.Open("/proc/net/" + network)
	if err != nil {
		return nil
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan(); lines.Scan(); { // the first line has the names
		// sl local rem st tx:rx tr:tm retrnsmt uid timeout inode
		f := strings.Fields(lines.Text())
		if len(f) <= 9 || f[3] != "0A" {
			break
		}
		if addr, ok := hexAddress(f[1]); ok {
			_, queue, _ := strings.Cut(f[4], ":") // of a listening socket: connections, not bytes
			queued, _ := strconv.ParseInt(queue, 16, 64)
			all = append(all, listener{Inode(f[9]), Place{Network: network, Addr: addr}, int(queued)})
		}
	}
	return all
}
