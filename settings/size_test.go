package settings

import "testing"

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{
		"512": 512, "512b": 512, "64k": 64 << 10, "64kB": 64 << 10, "256MB": 256 << 20, "256 MiB": 256 << 20,
		"1.5GB": 3 << 29, "2t": 2 << 40,
		"": 0, "0": 0, "-1": 0, "MB": 0, "12 apples": 0, "nan": 0, "inf": 0, "1e30": 0, "256MBB": 0, "1kk": 0,
	} {
		var have Size
		if err := have.Set(text); have != want || (err != nil) != (want == 0) {
			t.Errorf("%q: have %d and %v, want %d", text, have, err, want)
		}
	}
	for n, want := range map[Size]string{0: "", 100: "100 bytes", 64 << 10: "64 kB", 300 << 20: "300 MB",
		300<<20 + 1: "314572801 bytes", 3 << 29: "1536 MB", 20 << 30: "20 GB"} {
		if have := n.String(); have != want {
			t.Errorf("%d: have %q, want %q", int64(n), have, want)
		}
		again := Size(0)
		if err := again.Set(want); n != 0 && (err != nil || again != n) {
			t.Errorf("%q is read as %d, %v", want, again, err)
		}
	}
}
