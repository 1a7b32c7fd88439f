//go:build linux || darwin

package core

import (
	"math"
	"os"
	"testing"

	"hotreload/agent/protocol"
)

func TestFoundByKin(t *testing.T) {
	own := executable()
	if own == "" {
		t.Fatal("this program has no identity")
	}
	for _, c := range []struct {
		name, left  string
		path, token string
		kin         bool
	}{
		{"the same program", own + " 3.token /tmp/a b/agent", "/tmp/a b/agent", "3.token", true},
		{"another program", "1:2 3.token /tmp/agent", "", "", false},
		{"nothing", "", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(protocol.KinVariable, c.left)
			path, token, kin := foundByKin()
			if path != c.path || token != c.token || kin != c.kin {
				t.Errorf("have %q, %q, %v; want %q, %q, %v", path, token, kin, c.path, c.token, c.kin)
			}
			if _, there := os.LookupEnv(protocol.KinVariable); there != c.kin {
				t.Errorf("it is there for others: %v, want %v", there, c.kin)
			}
		})
	}
	t.Setenv(protocol.KinVariable, "")
	leaveForKin("/tmp/agent", "3.token")
	if path, token, kin := foundByKin(); path != "/tmp/agent" || token != "3.token" || !kin {
		t.Errorf("have %q, %q, %v of what was left", path, token, kin)
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 7: "7", 10: "10", math.MaxUint64: "18446744073709551615"} {
		if have := number(n); have != want {
			t.Errorf("have %s, want %s", have, want)
		}
	}
}
