package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// tidy is a server that cleans up at one of these signals, as in most tutorials.
func tidy(signals string) string {
	return strings.Replace(strings.Replace(server, "boot()", `boot()
	c := make(chan os.Signal, 1)
	signal.Notify(c, `+signals+`)
	go func() {
		got := <-c
		time.Sleep(50 * time.Millisecond)
		must(os.WriteFile("cleaned-"+version, []byte(got.String()), 0o666))
		os.Exit(0)
	}()`, 1), "\t\"os\"\n", "\t\"os\"\n\t\"os/signal\"\n\t\"syscall\"\n\t\"time\"\n", 1) +
		"\nvar _ = syscall.SIGTERM\n\nfunc must(err error) {\n\tif err != nil {\n\t\tpanic(err)\n\t}\n}\n"
}

// A program that cleans up only on Ctrl-C gets SIGINT, at a replacement and at the end. A program that catches SIGTERM
// gets SIGTERM, and so does every program if the user has chosen this signal.
func TestCleansUpOnInterrupt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, signals string
		args          []string
		by            string // the content of the file; "" if the program does not clean up
	}{
		{"SIGINT alone", "os.Interrupt", nil, "interrupt"},
		{"SIGINT alone, no agent", "os.Interrupt", []string{"--no-agent"}, "interrupt"},
		{"both", "os.Interrupt, syscall.SIGTERM", nil, "terminated"},
		{"TERM was chosen", "os.Interrupt", []string{"--stop-signal", "TERM"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, newModule(t, map[string]string{"main.go": tidy(c.signals)}), append(c.args, "-v", ".", "{addr}")...)
			s.waitFor(`generation 1 serves`)
			s.save("version.go", version("v2", ""))
			s.waitFor(`generation 2 serves`)
			s.serves("v2")
			eventually(t, "the old worker is gone", func() bool { return s.count(`worker of generation 1 has exited`) > 0 })
			s.signal(syscall.SIGINT)
			s.exit()
			for _, v := range []string{"v1", "v2"} {
				if by, _ := os.ReadFile(filepath.Join(s.dir, "cleaned-"+v)); string(by) != c.by {
					t.Errorf("%s: the file contains %q, want %q", v, by, c.by)
				}
			}
			want := 0
			if c.by == "interrupt" {
				want = 1
			}
			if have := s.count(`handles SIGINT but not SIGTERM`); have != want {
				t.Errorf("reported %d times, want %d", have, want)
			}
		})
	}
}
