package runner

// Class is how a change takes effect. A greater class is a stronger one.
type Class uint8

const (
	None    Class = iota // no effect: not part of what runs
	Live                 // read as needed: in effect already
	Startup              // in effect when hotreload itself starts anew
	Restart              // in effect in new workers, with the same program
	Rebuild              // in effect in a new program
)

func (c Class) String() string {
	return [...]string{"none", "live", "startup", "restart", "rebuild"}[c]
}
