package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"hotreload/runner"
)

// wishesIn is a command line in a folder that has this configuration file, and a main package.
func wishesIn(t *testing.T, config string, args ...string) *wishes {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.25\n", "cmd/web/main.go": "package main\n\nfunc main() {}\n",
		"main.go": "package main\n\nfunc main() {}\n", "templates/a.html": "", configName: config,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	o := &options{}
	flags := newCommand(o, nil).Flags()
	own, goFlags, rest, err := splitArgs(args, flags)
	if err != nil {
		t.Fatal(err)
	}
	if err := flags.Parse(own); err != nil {
		t.Fatal(err)
	}
	w, err := wishesOf(flags, goFlags, rest, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestEveryKeyIsAFlag(t *testing.T) {
	keys := map[string]bool{}
	for _, key := range keysOf(fieldsOf([]string{"x"})) {
		if !slices.Contains(notFlags, key) {
			keys[strings.ReplaceAll(key, "_", "-")] = true
		}
	}
	newCommand(&options{}, nil).Flags().VisitAll(func(f *pflag.Flag) {
		switch known := keys[f.Name]; {
		case f.Name == "config" || f.Name == "help" || f.Name == "version":
		case !known:
			t.Errorf("--%s is no key", f.Name)
		}
		delete(keys, f.Name)
	})
	for name := range keys {
		t.Errorf("key %s is no flag", name)
	}
}

func TestConfig(t *testing.T) {
	w := wishesIn(t, `
package = "./cmd/web"
args = ["-port", "80"]
build_flags = ["-race"]
listen = [":0", "unix:a.sock"]
workers = 2
grace = "7s"
watch = ["templates"]
env_file = [".env"]
debug = true

[env]
COLOUR = "red"
PATH = "is there already"

[[rule]]
match = ["**/*.templ", "x/y.txt"]
run = "templ generate"
timeout = "5s"

[[rule]]
match = "assets/**"
class = "live"
`, "--workers", "3", "-tags", "x")
	r, err := w.resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := r.config
	if !slices.Equal(c.Program.Args, []string{"./cmd/web"}) || !slices.Equal(c.Service.Args, []string{"-port", "80"}) ||
		!slices.Equal(c.Program.Flags, []string{"-race", "-tags", "x"}) || !c.Program.Debug {
		t.Errorf("program %+v, arguments %q", c.Program, c.Service.Args)
	}
	if len(c.Service.Listen) != 2 || c.Service.Policy.Workers != 3 || c.Service.Policy.Grace != 7*time.Second {
		t.Errorf("listen %v, policy %+v: the command line wins", c.Service.Listen, c.Service.Policy)
	}
	if !slices.Contains(c.Service.Env, "COLOUR=red") || slices.Contains(c.Service.Env, "PATH=is there already") {
		t.Errorf("environment %q", c.Service.Env)
	}
	dir := filepath.Dir(r.path)
	if !slices.Equal(c.Watch, []string{filepath.Join(dir, "templates")}) || !slices.Equal(c.EnvFiles, []string{filepath.Join(dir, ".env")}) ||
		!slices.Equal(c.Startup, []string{r.path}) {
		t.Errorf("watch %q, environment files %q, startup %q", c.Watch, c.EnvFiles, c.Startup)
	}
	if len(c.Rules) != 2 || c.Rules[0].Run != "templ generate" || c.Rules[0].Class != nil || c.Rules[0].Timeout != 5*time.Second ||
		*c.Rules[1].Class != runner.Live || c.Rules[1].Root != dir {
		t.Errorf("rules %+v", c.Rules)
	}
}

func TestConfigBelowTheRoot(t *testing.T) {
	w := wishesIn(t, "package = \"./cmd/web\"\nwatch = [\"templates\"]\n")
	if err := os.Chdir("cmd"); err != nil {
		t.Fatal(err)
	}
	w.dir = filepath.Join(w.dir, "cmd")
	r, err := w.resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.pkg, []string{"./web"}) || r.config.Watch[0] != filepath.Join(filepath.Dir(w.dir), "templates") {
		t.Errorf("package %q, watch %q", r.pkg, r.config.Watch)
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []struct{ name, config, says, hint string }{
		{"unknown key", "workers = 1\nlisen = [\":1\"]", `hotreload.toml:2: unknown key "lisen"`, `did you mean "listen"?`},
		{"a dash for a line", "\n\nstart-timeout = \"1s\"", `hotreload.toml:3: unknown key "start-timeout"`, `did you mean "start_timeout"?`},
		{"nothing like it", "xyzzy = 1", `hotreload.toml:1: unknown key "xyzzy"`, "the keys are package, args"},
		{"unknown table", "[servce]\nx = 1", `unknown key "servce`, ""},
		{"unknown key of a rule", "[[rule]]\nmatch = \"a\"\nclas = \"live\"", `hotreload.toml:3: unknown key "rule.clas"`, `did you mean "class"?`},
		{"a number for a string", "\ngrace = 5", "hotreload.toml:2: ", `grace is a string`},
		{"a string for a number", "workers = \"2\"", "hotreload.toml:1: ", "workers is a number"},
		{"a string for a list", "listen = \":80\"", "hotreload.toml:1: ", "listen is a list of strings"},
		{"a string for a switch", "debug = \"yes\"", "hotreload.toml:1: ", "debug is true or false"},
		{"no unit", "\n\ngrace = \"5\"", `hotreload.toml:3: grace = "5" is not right: `, "durations have a unit"},
		{"too short", "handover = \"0s\"", `hotreload.toml:1: handover 0s is too short`, "durations have a unit"},
		{"no worker", "workers = 0", "hotreload.toml:1: workers 0: a service has at least one worker", "leave it out"},
		{"no strategy", "strategy = \"magic\"", `hotreload.toml:1: unknown strategy "magic"`, "auto is right"},
		{"no address", "listen = [\"here\"]", `hotreload.toml:1: listen address "here"`, "write PORT"},
		{"nothing to watch", "\nwatch = [\"nothing\"]", "hotreload.toml:2: watch nothing: no such file", "hotreload.toml"},
		{"no TOML", "a = \n", "hotreload.toml:1: ", "TOML wants"},
		{"a key twice", "debug = true\ndebug = true", "hotreload.toml:2: ", ""},
		{"a rule for nothing", "[[rule]]\nclass = \"live\"", "hotreload.toml:1: a [[rule]] without match", "match = "},
		{"a rule that does nothing", "[[rule]]\nmatch = \"a\"", "hotreload.toml:2: a [[rule]] without class and without run", "class = "},
		{"a class that is none", "[[rule]]\nmatch = \"a\"\nclass = \"magic\"", `hotreload.toml:3: class = "magic" is none of`, ""},
		{"a pattern that is none", "[[rule]]\nmatch = \"a[\"\nclass = \"live\"", `hotreload.toml:2: match = "a[" is no pattern`, "as in"},
		{"a pattern outside", "[[rule]]\nmatch = \"../a\"\nclass = \"live\"", `hotreload.toml:2: match = "../a" is no pattern`, "as in"},
		{"a pattern that is a number", "[[rule]]\nmatch = 1\nclass = \"live\"", `hotreload.toml:2: match = 1 is neither`, ""},
		{"a time that is none", "[[rule]]\nmatch = \"a\"\nrun = \"x\"\n\ntimeout = \"1\"", `hotreload.toml:5: timeout = "1" is no time`, "durations"},
		{"the second rule", "[[rule]]\nmatch = \"a\"\nclass = \"live\"\n[[rule]]\nmatch = \"a\"\nclass = \"magic\"", `hotreload.toml:6: class = "magic"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := wishesIn(t, c.config).resolve(t.Context())
			if err == nil {
				t.Fatal("it is taken")
			}
			var usage usageError
			if text := err.Error(); !strings.Contains(text, c.says) || strings.Contains(text, "\n") && c.name != "no TOML" {
				t.Errorf("it says %q, want %q", text, c.says)
			}
			if hint := hintOf(err); !strings.Contains(hint, c.hint) || hint == "" {
				t.Errorf("the hint is %q, want %q", hint, c.hint)
			}
			if !errors.As(err, &usage) {
				t.Errorf("%v is no error of usage", err)
			}
		})
	}
}

func TestPending(t *testing.T) {
	before, err := wishesIn(t, "workers = 1\n").resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now, err := wishesIn(t, "workers = 2\nlisten = [\":0\"]\nargs = [\"x\"]\n").resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if have := before.pending(now); !slices.Equal(have, []string{"listen", "workers"}) {
		t.Errorf("have %q", have)
	}
	if have := before.pending(before); have != nil {
		t.Errorf("have %q", have)
	}
}
