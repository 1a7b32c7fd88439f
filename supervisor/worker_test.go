package supervisor

// testdata/worker, which tests build and `./...` leaves out, takes its sockets with this; go mod tidy would drop it.
import _ "github.com/coreos/go-systemd/v22/activation"
