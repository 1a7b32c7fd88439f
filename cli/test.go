package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"

	"github.com/spf13/cobra"

	"hotreload/process"
	"hotreload/settings"
	"hotreload/tests"
)

const aboutTest = `Test what you save: at the start everything, and then, at each save, the saved package first and
after it the packages that import it, nearest first. What failed last time is tested first, and a
newer save ends the tests of the one before.

Packages are patterns as in go test; without one, everything below this folder (./...). Flags of go
test stand after --: hotreload test ./... -- -short -race. On a terminal: r test everything, c
clear, q quit, h help.`

const testKeyHelp = "r test everything · c clear · q quit · h help"

// newTest is `hotreload test [flags] [packages] [-- flags of go test]`.
func newTest(l *line, root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "test [flags] [packages] [-- flags of go test]", Short: "run the tests that each save reaches",
		Long:               aboutTest,
		DisableFlagParsing: true, // Go's build flags are not cobra's
		ValidArgsFunction: func(_ *cobra.Command, args []string, beginning string) ([]string, cobra.ShellCompDirective) {
			return completions(root, args, beginning)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
				return c.Help()
			}
			var testFlags []string
			if i := slices.Index(args, "--"); i >= 0 {
				args, testFlags = args[:i], args[i+1:]
			}
			own, goFlags, packages, err := settings.Split(args, root.Flags())
			if err != nil {
				return err
			}
			if err := root.Flags().Parse(own); err != nil {
				return root.FlagErrorFunc()(c, err)
			}
			for _, pattern := range packages {
				if pattern[0] == '-' {
					return settings.Usage(errors.New(pattern+" stands after a package"),
						"flags of hotreload and of builds stand before the packages, flags of go test after --")
				}
			}
			w, err := settings.WishesOf(root.Flags(), append(l.goFlags, goFlags...), packages, l.env)
			if err != nil {
				return err
			}
			t, err := w.Tests(testFlags)
			if err != nil {
				return err
			}
			setColor(settings.Color.Of(t.Values))
			return testCommand(contextOf(c), t)
		},
	}
}

// testConfig returns the configuration for tests.
func testConfig(t *settings.Tests) (tests.Config, error) {
	flags, build, err := tests.ParseFlags(t.Flags)
	if err != nil {
		return tests.Config{}, settings.ErrTestFlag(err)
	}
	config := tests.Config{Program: t.Program, Flags: flags, Poll: t.Poll, Memory: t.Memory}
	config.Program.Flags = build
	config.Ignore = func(folders, trees []string) func(path string, folder bool) bool {
		rules := t.Ignore(folders, trees)
		return func(path string, folder bool) bool {
			ignored, _ := rules.Ignored(path, folder)
			return ignored
		}
	}
	return config, nil
}

// testCommand runs tests until it is stopped.
func testCommand(_ context.Context, t *settings.Tests) error {
	config, err := testConfig(t)
	if err != nil {
		return err
	}
	config.AtStart = true
	if err := process.Setup(); err != nil {
		return err
	}
	console := newConsole(os.Stdout, os.Stderr, settings.Color.Of(t.Values) == "always")
	console.speak(t.Values)
	defer console.close()
	tester, err := tests.New(config)
	if err != nil {
		return err
	}
	defer tester.Close()
	stop := make(chan struct{}, 1)
	quit := func() {
		select {
		case stop <- struct{}{}:
		default:
		}
	}
	keys := openKeyboard(os.Stdin)
	if keys != nil {
		go keys.read(func(typed []byte) { // ends with close or with the program: see there
			for _, key := range typed {
				pressInTests(key, tester, console, keys, quit)
			}
		})
	}
	defer keys.close()
	defer testSignals(keys, console, quit)()
	reporter := newTestReporter(console, t.Program.Dir, keys)
	return reporter.read(tester.Events(), stop)
}

// pressInTests carries out the command of a key in hotreload test.
func pressInTests(key byte, t *tests.Tester, c *console, k *keyboard, quit func()) {
	switch key {
	case 'r', 'R', ' ', '\n', '\r':
		t.All()
	case 'c', '\f':
		c.clear()
	case 'q', 4: // Ctrl-D
		quit()
	case 'h', '?':
		c.say(dim(prefix) + testKeyHelp)
	case 26: // Ctrl-Z
		stopForShell(c, k)
	}
}

// testSignals turns signals into commands of hotreload test, until the returned function is called.
func testSignals(k *keyboard, c *console, quit func()) (stop func()) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt)
	for sig, means := range meanings {
		if slices.Contains([]meaning{stops, continued, dumped}, means) || means == rereads && !signal.Ignored(sig) {
			signal.Notify(signals, sig)
		}
	}
	done := make(chan struct{})
	go func() { // ends with stop
		for {
			select {
			case <-done:
				return
			case sig := <-signals:
				switch means := meanings[sig]; {
				case means == continued:
					k.nudge()
				case means == dumped:
					k.giveBack()
					repeat(sig)
				default:
					if sig == os.Interrupt {
						c.echoed()
					}
					quit()
				}
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }
}
