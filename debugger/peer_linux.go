package debugger

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// uninvited returns an error if another user has made this connection to the loopback. The kernel's table has the user
// of each socket.
func uninvited(conn net.Conn) error {
	peer := netip.MustParseAddrPort(conn.RemoteAddr().String())
	ours := netip.MustParseAddrPort(conn.LocalAddr().String())
	name := "/proc/net/tcp"
	if peer.Addr().Unmap().Is6() {
		name = "/proc/net/tcp6"
	}
	table, err := os.Open(name)
	if err != nil {
		return err
	}
	defer table.Close()
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) < 8 || columns[1] != inTable(peer) || columns[2] != inTable(ours) {
			continue
		}
		uid, err := strconv.Atoi(columns[7])
		if err == nil && uid != os.Getuid() && uid != 0 {
			return fmt.Errorf("it belongs to another user (uid %d)", uid)
		}
		return err
	}
	return errors.New("its user is not known")
}

// inTable returns an address in the table's notation: each group of four bytes in the machine's order.
func inTable(address netip.AddrPort) string {
	bytes := address.Addr().Unmap().AsSlice()
	for group := range slices.Chunk(bytes, 4) {
		n := binary.BigEndian.Uint32(group)
		binary.NativeEndian.PutUint32(group, n)
	}
	return strings.ToUpper(hex.EncodeToString(bytes)) + fmt.Sprintf(":%04X", address.Port())
}
