package process

// GiveWay lets the child, and what it starts from now on, run only when the machine has nothing better to do. It is
// called right after Start, and it may fail without a word: then the child runs like any other.
func (p *Process) GiveWay() {
	if !p.gone() {
		giveWay(p.Pid())
	}
}
