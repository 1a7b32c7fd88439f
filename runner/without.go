package runner

// Rules to switch off in tests: without the rule, the test must fail.
const (
	testOnlyOwn   = "own"   // a file as left by a worker is no input
	testOnlyProof = "proof" // a single opening is no proof
)

var testOnlyOff = map[string]bool{}

// TestOnlyWithout switches rules off, before anything runs.
func TestOnlyWithout(rules ...string) {
	for _, rule := range rules {
		testOnlyOff[rule] = true
	}
}

// without returns the facts with rules switched off.
func (f facts) without(off map[string]bool) facts {
	if off[testOnlyOwn] {
		f.own = false
	}
	if off[testOnlyProof] && f.read == once {
		f.read = repeated
	}
	return f
}
