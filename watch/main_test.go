package watch

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Most tests wait most of the time.
	flag.Parse()
	flag.Set("test.parallel", "8")
	goleak.VerifyTestMain(m)
}
