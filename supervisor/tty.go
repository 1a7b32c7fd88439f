package supervisor

import (
	"fmt"
	"os/exec"
)

// connect connects cmd's stdout and stderr. If the user has a terminal and this worker may use it, connect also gives
// the worker a terminal of its own, returned as own.
func (s *Supervisor) connect(cmd *exec.Cmd, w Worker) (captures []*capture, own *capture, err error) {
	if s.config.Terminal == nil || w.Slot != 0 {
		captures, err = s.config.Output.attach(cmd)
	} else if own, err = s.config.Output.attachTerminal(cmd, s.modes); err == nil {
		captures, err = s.config.Output.attachRest(cmd, own)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("output of the worker: %w", err)
	}
	return captures, own, nil
}

// attachTerminal creates a pseudo-terminal as cmd's controlling terminal and stdin.
func (o Output) attachTerminal(cmd *exec.Cmd, like *modes) (*capture, error) {
	own := &capture{stream: Stdout, terminal: true, done: make(chan struct{})}
	if o.Joined || !o.Terminal[Stdout] {
		own.stream = Stderr
	}
	var err error
	if own.ours, own.child, err = openLike(like); err != nil {
		return nil, err
	}
	own.resize(o)
	cmd.Stdin = own.child
	control(cmd)
	return own, nil
}

// attachRest connects stdout and stderr to the worker's own terminal or to pipes.
func (o Output) attachRest(cmd *exec.Cmd, own *capture) ([]*capture, error) {
	rest := Output{}
	rest.Write, rest.Copy = o.Write, o.Copy
	piped, err := rest.attach(cmd)
	if err != nil {
		own.ours.Close()
		own.child.Close()
		return nil, err
	}
	all := []*capture{own}
	for i, c := range piped {
		if !o.Terminal[i] {
			all = append(all, c)
			continue
		}
		c.ours.Close()
		c.child.Close()
		if Stream(i) == Stdout {
			cmd.Stdout = own.child
		} else {
			cmd.Stderr = own.child
		}
	}
	return all, nil
}
