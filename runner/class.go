package runner

// Class tells how a change takes effect. A greater class is stronger: it contains the effects of smaller ones.
type Class uint8

const (
	None    Class = iota // no effect: nothing that runs depends on the file
	Test                 // no effect on the service, and tests run for it: see Config.Tests
	Live                 // in effect already: the program reads the file when needed
	Startup              // in effect at the next start of hotreload
	Restart              // in effect in new workers of the same program
	Rebuild              // in effect in a new program, and its workers
)

func (c Class) String() string {
	return [...]string{"none", "test", "live", "startup", "restart", "rebuild"}[c]
}
