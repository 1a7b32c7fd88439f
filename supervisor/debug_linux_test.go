package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// TestHeld: a worker that is to be debugged waits before its main until Release, and is reported with the pid of its
// program. When nobody debugs any more, workers that wait go on, and later ones do not wait.
func TestHeld(t *testing.T) {
	plan := build(t, "unchanged", true)
	address := freePort(t)
	s := start(t, Config{Args: []string{"http", address, "bare"}, Agents: true})
	s.Debug(true)
	s.replaceWith(plan)
	held := await[Held](s, nil)
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", held.Pid))
	if err != nil || !bytes.Contains(name, []byte(address)) {
		t.Errorf("pid %d is %q, %v, not the program", held.Pid, name, err)
	}
	if accounts := s.Inquire(t.Context(), AllSlots, false); len(accounts) != 1 || accounts[0].Unresponsive {
		t.Errorf("it waits, and is reported as %+v", accounts)
	}
	for _, event := range s.all() {
		if _, serves := event.(Serving); serves {
			t.Error("it serves, and was to wait")
		}
	}
	s.Release(held.ID)
	await(s, serving(1))

	s.replaceWith(plan)
	if held = await[Held](s, nil); held.Generation != 2 {
		t.Fatalf("generation %d waits, want 2", held.Generation)
	}
	s.Debug(false)
	await(s, replaced(2))
	s.replaceWith(plan)
	await(s, replaced(3))
	for _, event := range s.all() {
		if held, is := event.(Held); is && held.Generation == 3 {
			t.Error("generation 3 has waited for nobody")
		}
	}
	s.nothingForced()
}
