package process

// GiveWay gives the child and its later children the lowest priority. Call GiveWay right after Start. GiveWay may
// fail silently: then the child runs like any other.
func (p *Process) GiveWay() {
	if !p.gone() {
		giveWay(p.Pid())
	}
}
