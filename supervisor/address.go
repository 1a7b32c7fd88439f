package supervisor

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"hotreload/supervisor/inspect"
)

// Address is an address on which a service listens.
type Address struct {
	Name    string // for LISTEN_FDNAMES; "" = none
	Network string // tcp, tcp4, tcp6 or unix
	Addr    string // host:port, a path, or @name for an abstract socket
	FD      int    // the socket's descriptor if hotreload inherited it, see Given; else 0
}

func (a Address) String() string {
	if a.Network == "tcp" {
		return a.Addr
	}
	return a.Network + ":" + a.Addr
}

// ParseAddress reads an address as users write it, with an optional name in front:
//
//	8080  :8080  127.0.0.1:8080  [::1]:8080  tcp4:0.0.0.0:80  tcp6:[::]:80
//	unix:/run/app.sock  ./app.sock  /run/app.sock  unix:@name  @name
//	http=:8080
func ParseAddress(text string) (Address, error) {
	bad := func(why string) (Address, error) {
		return Address{}, fmt.Errorf("listen address %q: %s", text, why)
	}
	a := Address{Network: "tcp"}
	rest := text
	if name, after, ok := strings.Cut(text, "="); ok && !strings.ContainsAny(name, ":/@") {
		if name == "" || strings.ContainsAny(name, " ,") {
			return bad("the name before = must not be empty or hold spaces or commas")
		}
		a.Name, rest = name, after
	}
	for _, network := range []string{"tcp4", "tcp6", "tcp", "unix"} {
		if after, ok := strings.CutPrefix(rest, network+":"); ok {
			a.Network, rest = network, strings.TrimPrefix(after, "//")
			break
		}
	}
	if a.Network == "unix" || strings.HasPrefix(rest, "@") ||
		strings.ContainsRune(rest, '/') && !strings.HasPrefix(rest, "[") {
		a.Network, a.Addr = "unix", rest
		switch {
		case rest == "" || rest == "@":
			return bad("a path, or @name, is missing")
		case len(rest) > maxUnixPath:
			return bad(fmt.Sprintf("the path has %d bytes and the system takes at most %d", len(rest), maxUnixPath))
		}
		return a, nil
	}
	if _, err := strconv.Atoi(rest); err == nil {
		rest = ":" + rest
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		return bad("use PORT, HOST:PORT, unix:PATH or @NAME")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return bad("the port is not a number from 0 to 65535")
	}
	if strings.HasPrefix(host, "udp") {
		return bad("only tcp and unix sockets are handed over")
	}
	a.Addr = net.JoinHostPort(host, port)
	return a, nil
}

// addressesAt converts addresses.
func addressesAt(places []inspect.Place) []Address {
	var all []Address
	for _, place := range places {
		all = append(all, Address{Network: place.Network, Addr: place.Addr})
	}
	return all
}

// holderOf finds the process that listens on a.
func holderOf(a Address) Holder {
	return inspect.HolderOf(inspect.Place{Network: a.Network, Addr: a.Addr})
}
