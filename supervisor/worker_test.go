package supervisor

// testdata/worker imports this package for its sockets. The tests build testdata/worker, but `./...` leaves it out, so
// without this import go mod tidy would remove the module.
import _ "github.com/coreos/go-systemd/v22/activation"
