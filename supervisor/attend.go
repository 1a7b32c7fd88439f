package supervisor

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"time"

	"hotreload/supervisor/host"
)

// unservedAfter is how long no worker must run before browsers are answered in its place. Most gaps are shorter: a
// worker of stop-first exits and the next one starts. Felt right, not measured.
const unservedAfter = 300 * time.Millisecond

// attendance answers browsers while no worker runs: the first build is broken, the program crashes again and again, or
// has exited. All other connections wait for the next worker, as in the kernel's queue. The loop owns the attendance.
type attendance struct {
	timer     *time.Timer // nil while a worker runs
	attendant *host.Attendant
	unbuilt   bool        // the first build has failed
	served    bool        // a generation has served
	requeue   *time.Timer // runs for requeueAfter; nil before a generation has served
}

// Unbuilt says that the program does not build and no worker starts before the user's next save. From then on, browsers
// are answered at the addresses of Config.Listen also before the first worker.
func (s *Supervisor) Unbuilt() { s.send(unbuiltInput{}) }

type unbuiltInput struct{}

func (unbuiltInput) happen(l *loop, _ time.Time) { l.attendance.unbuilt = true }

// attendInput: no worker has run for unservedAfter, unless the timer has changed.
type attendInput struct{}

// lookForNobody begins and ends the attendance.
func (l *loop) lookForNobody() {
	hook := l.config.Browser
	if hook == nil || hook.Unserved == nil || l.agents == nil {
		return
	}
	begun := l.machine.target != 0 || l.attendance.unbuilt // else the first build is being made
	nobody := begun && len(l.machine.members) == 0 && !l.machine.stopping
	switch {
	case !nobody:
		l.attendance.end()
	case l.attendance.timer == nil:
		l.attendance.timer = time.AfterFunc(unservedAfter, func() { l.send(attendInput{}) }) // stopped in end
	}
}

func (attendInput) happen(l *loop, _ time.Time) {
	if len(l.machine.members) > 0 || l.machine.stopping || l.attendance.timer == nil || l.attendance.attendant != nil {
		return
	}
	hook := l.config.Browser
	if hook.Pages(l.machine.target).Tag == "" {
		return // browsers are not wanted
	}
	// Before the first generation has served, nobody knows whether workers will ask for the addresses of Config.Listen.
	l.attendance.attendant = l.agents.host.Attend(hook.judge, hook.Unserved, !l.attendance.served)
}

// requeueAfter is how long a generation serves before connections that wait at an address of Config.Listen go into the
// kernel's queue. A worker that has not come to its first accept after a second counts as serving, too, and its agent
// will ask for the connections later. Only a program that accepts by system calls of its own never asks. Felt right,
// not measured.
const requeueAfter = 10 * time.Second

// serves is called when a generation serves.
func (l *loop) serves() {
	l.attendance.served = true
	if l.attendance.requeue != nil {
		l.attendance.requeue.Stop()
	}
	l.attendance.requeue = time.AfterFunc(requeueAfter, func() { l.send(requeueInput{}) }) // stopped in close
}

// requeueInput: workers have had the time to ask for the connections that wait. Without waiting connections nothing
// happens.
type requeueInput struct{}

func (requeueInput) happen(l *loop, _ time.Time) { l.agents.requeue() }

// close ends the attendance for ever.
func (a *attendance) close() {
	a.end()
	if a.requeue != nil {
		a.requeue.Stop()
	}
}

// end gives the waiting connections to the next worker. end must be called before a worker starts.
func (a *attendance) end() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
	if a.attendant != nil {
		a.attendant.Leave()
		a.attendant = nil
	}
}

// judge tells by the first bytes of a connection whether a browser asks for a document, or for a path of the hook.
func (h *BrowserHook) judge(first []byte) host.Verdict {
	known := false
	for _, method := range []string{"GET /", "HEAD /", "POST /"} {
		n := min(len(first), len(method))
		known = known || string(first[:n]) == method[:n]
	}
	switch {
	case !known:
		return host.Wait // TLS, HTTP/2, another protocol, a program
	case !bytes.Contains(first, []byte("\r\n\r\n")):
		return host.Unclear
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(first)))
	switch {
	case err != nil:
		return host.Wait
	case strings.HasPrefix(r.URL.Path, "/.hotreload/"+h.Key+"/"):
		return host.Answer
	case r.Method == http.MethodPost || !strings.Contains(r.Header.Get("Accept"), "text/html"):
		return host.Wait
	case r.Header.Get("Upgrade") != "" || r.Header.Get("HX-Request") != "" || r.Header.Get("X-Requested-With") != "":
		return host.Wait
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "document", "iframe", "frame", "":
		return host.Answer
	}
	return host.Wait
}
