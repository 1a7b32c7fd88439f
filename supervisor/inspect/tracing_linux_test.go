package inspect

import (
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// A debugger's process is recognised, whether the process runs or stands still, and also as the child of a wrapper.
func TestTracingOf(t *testing.T) {
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	for _, wrapped := range []bool{false, true} {
		words := []string{"exec cat"}
		if wrapped {
			words = []string{"cat; exit"} // the shell waits for its child
		}
		cmd := exec.Command("sh", append([]string{"-c"}, words...)...)
		in, err := cmd.StdinPipe()
		must(t, err)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		_, err = in.Write([]byte("x"))
		must(t, err)
		_, err = out.Read(make([]byte, 1)) // cat runs
		must(t, err)
		all := family(cmd.Process.Pid)
		traced := all[len(all)-1]
		look := func(when string, want Tracing) {
			t.Helper()
			if have := TracingOf(cmd.Process.Pid); have != want {
				t.Errorf("wrapped %v, %s: have %v, want %v", wrapped, when, have, want)
			}
		}
		look("alone", Untraced)
		must(t, unix.PtraceSeize(traced))
		look("seized", Traced)
		must(t, unix.PtraceInterrupt(traced))
		_, err = unix.Wait4(traced, nil, unix.WALL, nil)
		must(t, err)
		look("stopped", Stopped)
		must(t, unix.PtraceDetach(traced))
		look("let go", Untraced)
		in.Close()
		must(t, cmd.Wait())
	}
}
