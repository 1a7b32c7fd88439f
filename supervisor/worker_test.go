package supervisor

// testdata/worker imports this to take its sockets. The tests build it and `./...` leaves it out, so go mod tidy would
// remove the module.
import _ "github.com/coreos/go-systemd/v22/activation"
