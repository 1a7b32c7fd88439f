package inspect

import (
	"net"
	"os"
	"slices"
	"testing"
)

func TestConnections(t *testing.T) {
	for network, address := range map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0"} {
		listener, err := net.Listen(network, address)
		if err != nil {
			t.Logf("no %s here: %v", network, err)
			continue
		}
		defer listener.Close()
		client, err := net.Dial(network, listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		ours, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer ours.Close()
		if _, err := client.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		all, known := Connections(os.Getpid())
		i := slices.IndexFunc(all, func(c Connection) bool {
			return c.Local == ours.LocalAddr().String() && c.Remote == ours.RemoteAddr().String()
		})
		if !known || i < 0 || all[i].State != "established" || all[i].Unread != 1000 {
			t.Errorf("%s: no correct entry for %s from %s in %+v", network, ours.LocalAddr(), ours.RemoteAddr(), all)
		}
		if slices.ContainsFunc(all, func(c Connection) bool { return c.Remote == "" }) {
			t.Errorf("%s: an entry is not a connection: %+v", network, all)
		}
	}
	if all, _ := Connections(1 << 30); all != nil {
		t.Errorf("a process that does not exist has %+v", all)
	}
}
