package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/runner"
)

// wishesIn returns the wishes of a command line, in a folder with this configuration file and a main package.
func wishesIn(t *testing.T, config string, args ...string) *Wishes {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.25\n", "cmd/web/main.go": "package main\n\nfunc main() {}\n",
		"main.go": "package main\n\nfunc main() {}\n", "templates/a.html": "", FileName: config,
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
	flags := NewValues().Flags()
	own, goFlags, rest, err := Split(args, flags)
	if err != nil {
		t.Fatal(err)
	}
	if err := flags.Parse(own); err != nil {
		t.Fatal(err)
	}
	w, err := WishesOf(flags, goFlags, rest, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	return w
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
	r, err := w.Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := r.Services[0].Config
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
	dir := filepath.Dir(r.Path)
	if !slices.Equal(c.Watch, []string{filepath.Join(dir, "templates")}) ||
		!slices.Equal(c.EnvFiles, []string{filepath.Join(dir, ".env")}) ||
		!slices.Equal(c.Startup, []string{r.Path}) {
		t.Errorf("watch %q, environment files %q, startup %q", c.Watch, c.EnvFiles, c.Startup)
	}
	if len(c.Rules) != 2 || c.Rules[0].Run != "templ generate" || c.Rules[0].Class != nil ||
		c.Rules[0].Timeout != 5*time.Second ||
		*c.Rules[1].Class != runner.Live || c.Rules[1].Root != dir {
		t.Errorf("rules %+v", c.Rules)
	}
}

func TestConfigBelowTheRoot(t *testing.T) {
	w := wishesIn(t, "package = \"./cmd/web\"\nwatch = [\"templates\"]\n")
	if err := os.Chdir("cmd"); err != nil {
		t.Fatal(err)
	}
	w.Dir = filepath.Join(w.Dir, "cmd")
	r, err := w.Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if one := r.Services[0]; !slices.Equal(one.Package, []string{"./web"}) ||
		one.Config.Watch[0] != filepath.Join(filepath.Dir(w.Dir), "templates") {
		t.Errorf("package %q, watch %q", one.Package, one.Config.Watch)
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []struct{ name, config, says, hint string }{
		{"unknown key", "workers = 1\nlisen = [\":1\"]", `hotreload.toml:2: unknown key "lisen"`, `did you mean "listen"?`},
		{"a dash for a line", "\n\nstart-timeout = \"1s\"", `hotreload.toml:3: unknown key "start-timeout"`,
			`did you mean "start_timeout"?`},
		{"nothing like it", "xyzzy = 1", `hotreload.toml:1: unknown key "xyzzy"`, "the keys are package, args"},
		{"unknown table", "[servce]\nx = 1", `unknown key "servce`, ""},
		{"unknown key of a rule", "[[rule]]\nmatch = \"a\"\nclas = \"live\"", `hotreload.toml:3: unknown key "rule.clas"`,
			`did you mean "class"?`},
		{"a number for a string", "\ngrace = 5", "hotreload.toml:2: ", `grace is a string`},
		{"a string for a number", "surge = \"2\"", "hotreload.toml:1: ", "surge is a number"},
		{"half a worker", "workers = 1.5", "hotreload.toml:1: workers = \"1.5\" is not valid", "workers is a number"},
		{"a string for a list", "listen = \":80\"", "hotreload.toml:1: ", "listen is a list of strings"},
		{"a string for a switch", "debug = \"yes\"", "hotreload.toml:1: ", "debug is true or false"},
		{"no unit", "\n\ngrace = \"5\"", `hotreload.toml:3: grace = "5" is not valid: `, "durations have a unit"},
		{"too short", "handover = \"0s\"", `hotreload.toml:1: handover 0s is too short`, "durations have a unit"},
		{"no worker", "workers = 0", `hotreload.toml:1: workers = "0" is not valid: a service has at least one worker`,
			`workers is a number, or "auto"`},
		{"a service without a name", "[[service]]\npackage = \".\"", "hotreload.toml:1: a [[service]] without name",
			"name = "},
		{"a service twice", "[[service]]\nname = \"a\"\npackage = \".\"\n[[service]]\nname = \"a\"\npackage = \".\"",
			`hotreload.toml:5: two services have the name "a"`, "its own name"},
		{"a service's name with a slash", "[[service]]\nname = \"a/1\"\npackage = \".\"",
			`hotreload.toml:2: name = "a/1" is not a valid name`, "a word"},
		{"a service of nothing", "[[service]]\nname = \"a\"", "hotreload.toml:2: service a has neither package nor command",
			"package = "},
		{"a service of two things", "[[service]]\nname = \"a\"\npackage = \".\"\ncommand = [\"x\"]",
			"hotreload.toml:4: service a has both package and command", "builds a package"},
		{"a service after none", "[[service]]\nname = \"a\"\npackage = \".\"\nafter = [\"b\"]",
			`hotreload.toml:4: after = "b" is not a service`, "serve first"},
		{"a service's unknown key", "[[service]]\nname = \"a\"\nlisen = []", `hotreload.toml:3: unknown key "service.lisen"`,
			`did you mean "listen"?`},
		{"a service's bad value", "grace = \"1s\"\n[[service]]\nname = \"a\"\npackage = \".\"\ngrace = \"1\"",
			`hotreload.toml:5: grace = "1" is not valid`, "durations"},
		{"a service's bad strategy", "strategy = \"rolling\"\n[[service]]\nname = \"a\"\npackage = \".\"\nstrategy = \"x\"",
			`hotreload.toml:5: unknown strategy "x"`, "auto is right"},
		{"on_reload for nothing", "[[service]]\nname = \"a\"\npackage = \".\"\non_reload = \"HUP\"",
			"hotreload.toml:4: on_reload without reloadable = false", "not replaced"},
		{"on_reload by no signal", "[[service]]\nname = \"a\"\npackage = \".\"\nreloadable = false\non_reload = \"X\"",
			`hotreload.toml:5: "X" is not the name of a signal`, "HUP"},
		{"a package beside services", "package = \".\"\n[[service]]\nname = \"a\"\npackage = \".\"",
			"hotreload.toml:1: package cannot be combined with [[service]]", "into each"},
		{"no strategy", "strategy = \"magic\"", `hotreload.toml:1: unknown strategy "magic"`, "auto is right"},
		{"not an address", "listen = [\"here\"]", `hotreload.toml:1: listen address "here"`, "write PORT"},
		{"nothing to watch", "\nwatch = [\"nothing\"]", "hotreload.toml:2: watch nothing: no such file", "hotreload.toml"},
		{"no TOML", "a = \n", "hotreload.toml:1: ", "TOML wants"},
		{"a key twice", "debug = true\ndebug = true", "hotreload.toml:2: ", ""},
		{"a when that is none", "[[rule]]\nmatch = \"a\"\nrun = \"x\"\nwhen = \"never\"",
			`hotreload.toml:4: when = "never" is none of`, ""},
		{"a pattern without a file", "[[rule]]\nmatch = \"a\"\nrun = \"x\"\nproblems = \"(?P<line>.)\"",
			`hotreload.toml:4: problems = "(?P<line>.)" is not a pattern: it has no group with the name file`, "as in"},
		{"a pattern that is none", "[[rule]]\nmatch = \"a\"\nrun = \"x\"\nproblems = [\"(\"]",
			`hotreload.toml:4: problems = "(" is not a pattern: missing closing )`, "as in"},
		{"a pattern for nothing", "[[rule]]\nmatch = \"a\"\nclass = \"live\"\nproblems = \"(?P<file>.)\"",
			`hotreload.toml:4: a [[rule]] with problems and without run`, "run"},
		{"a when for nothing", "[[rule]]\nmatch = \"a\"\nclass = \"live\"\nwhen = \"start\"",
			"hotreload.toml:4: a [[rule]] with when and without run", "run = "},
		{"a rule for nothing that is run when something changes", "[[rule]]\nrun = \"x\"\nwhen = \"change\"",
			"hotreload.toml:1: a [[rule]] without match", "match = "},
		{"a rule for nothing", "[[rule]]\nclass = \"live\"", "hotreload.toml:1: a [[rule]] without match", "match = "},
		{"a rule that does nothing", "[[rule]]\nmatch = \"a\"", "hotreload.toml:2: a [[rule]] needs class, run or both",
			"class = "},
		{"a class that is none", "[[rule]]\nmatch = \"a\"\nclass = \"magic\"",
			`hotreload.toml:3: class = "magic" is none of`, ""},
		{"a pattern that is none", "[[rule]]\nmatch = \"a[\"\nclass = \"live\"",
			`hotreload.toml:2: match = "a[" is not a pattern`, "as in"},
		{"a pattern outside", "[[rule]]\nmatch = \"../a\"\nclass = \"live\"",
			`hotreload.toml:2: match = "../a" is not a pattern`, "as in"},
		{"a pattern that is a number", "[[rule]]\nmatch = 1\nclass = \"live\"", `hotreload.toml:2: match = 1 is neither`, ""},
		{"a time that is none", "[[rule]]\nmatch = \"a\"\nrun = \"x\"\n\ntimeout = \"1\"",
			`hotreload.toml:5: timeout = "1" is not a duration`, "durations"},
		{"an unknown key of browser", "debug = true\n[browser]\nrelod = \"off\"",
			`hotreload.toml:3: unknown key "browser.relod"`, `did you mean "reload"?`},
		{"a browser's word", "[browser]\ncss = true\nreload = \"often\"",
			`hotreload.toml:3: reload = "often" is none of page, morph, off`, "page"},
		{"a browser's host with a port", "[browser]\nhosts = [\"a.dev\", \"b.dev:80\"]",
			`hotreload.toml:2: hosts = "b.dev:80" is not a host name`, "without port"},
		{"a service that is none, for pages", "[browser]\nreload_on = [\"api\"]",
			"hotreload.toml:2: reload_on = \"api\" is not a service", "lists services"},
		{"a browser's editor", "[browser]\neditor = \"code 'x\"", "hotreload.toml:2: editor = ", "{file}"},
		{"the second rule", "[[rule]]\nmatch = \"a\"\nclass = \"live\"\n[[rule]]\nmatch = \"a\"\nclass = \"magic\"",
			`hotreload.toml:6: class = "magic"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := wishesIn(t, c.config).Resolve(t.Context())
			if err == nil {
				t.Fatal("it is taken")
			}
			var usage UsageError
			if text := err.Error(); !strings.Contains(text, c.says) || strings.Contains(text, "\n") && c.name != "no TOML" {
				t.Errorf("it says %q, want %q", text, c.says)
			}
			if hint := HintOf(err); !strings.Contains(hint, c.hint) || hint == "" {
				t.Errorf("the hint is %q, want %q", hint, c.hint)
			}
			if !errors.As(err, &usage) {
				t.Errorf("%v is no error of usage", err)
			}
		})
	}
}

// For each key, a value of the wrong type is an error with the line and the expected type.
func TestEveryKeyOfTheWrongType(t *testing.T) {
	for place, where := range map[string]Where{
		"": InFile, "[[service]]\nname = \"a\"\npackage = \".\"\n": InService, "[[rule]]\n": InRule,
		"[browser]\n": InBrowser,
	} {
		for _, s := range KeysIn(where) {
			key := s.Key()
			lines := strings.Count(place, "\n") + 1
			if strings.Contains(place, key+" = ") {
				continue // there already
			}
			t.Run(place+key, func(t *testing.T) {
				_, err := wishesIn(t, place+key+" = 1979-05-27\n").Resolve(t.Context())
				if err == nil {
					t.Fatal("a date is taken")
				}
				text := err.Error()
				if place := fmt.Sprintf("hotreload.toml:%d: ", lines); !strings.HasPrefix(text, place) {
					t.Errorf("it says %q, want %q", text, place)
				}
				if all := text + "\n" + HintOf(err); !strings.Contains(all, key) {
					t.Errorf("it says %q, which does not name %s", all, key)
				}
			})
		}
	}
}

func TestHarmless(t *testing.T) {
	for name, want := range map[string]string{
		"main.go": "main.go", "ein Blatt/größe.txt": "ein Blatt/größe.txt", "日本.go": "日本.go", "a's \"b\"": "a's \"b\"",
		"a\nb": `"a\nb"`, "\x1b[2J": `"\x1b[2J"`, "\xff": `"\xff"`, "a\u202eb": `"a\u202eb"`, "a\rb": `"a\rb"`,
	} {
		if have := Harmless(name); have != want {
			t.Errorf("%q is shown as %s, want %s", name, have, want)
		}
	}
}

func TestPending(t *testing.T) {
	before, err := wishesIn(t, "workers = 1\n").Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now, err := wishesIn(t, "workers = 2\nlisten = [\":0\"]\nready = \"alive\"\nargs = [\"x\"]\n").Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if have := before.Pending(now); !slices.Equal(have, []string{"ready"}) {
		t.Errorf("have %q", have)
	}
	if have := before.Pending(before); have != nil {
		t.Errorf("have %q", have)
	}
}

func TestServices(t *testing.T) {
	config := `
workers = 2
grace = "9s"
build_flags = ["-race"]

[env]
WHO = "all"
MORE = "all"

[[service]]
name = "web"
package = "./cmd/web"
args = ["-port", "80"]
listen = [":0"]
env = { WHO = "web" }

[[service]]
name = "front"
command = ["npm", "run", "dev"]
after = ["web"]
workers = 1
reloadable = false
on_reload = "HUP"
build_flags = []
`
	r, err := wishesIn(t, config, "--grace", "3s").Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Services) != 2 {
		t.Fatalf("there are %d services", len(r.Services))
	}
	web, front := r.Services[0].Config, r.Services[1].Config
	if web.Name != "web" || !slices.Equal(web.Program.Args, []string{"./cmd/web"}) ||
		!slices.Equal(web.Service.Args, []string{"-port", "80"}) ||
		!slices.Equal(web.Program.Flags, []string{"-race"}) || web.Service.Policy.Workers != 2 ||
		len(web.Service.Listen) != 1 || web.Pinned {
		t.Errorf("web: %+v", web)
	}
	if front.Name != "front" || !slices.Equal(front.Command, []string{"npm", "run", "dev"}) ||
		!slices.Equal(front.Service.Args, []string{"run", "dev"}) ||
		front.Service.Policy.Workers != 1 || !slices.Equal(front.After, []string{"web"}) || !front.Pinned ||
		front.OnReload == 0 || len(front.Service.Listen) != 0 {
		t.Errorf("front: %+v", front)
	}
	for _, c := range []runner.Config{web, front} {
		if c.Service.Policy.Grace != 3*time.Second {
			t.Errorf("%s: grace %v: the command line wins", c.Name, c.Service.Policy.Grace)
		}
		if !slices.Contains(c.Service.Env, "MORE=all") {
			t.Errorf("%s: environment %q", c.Name, c.Service.Env)
		}
	}
	if !slices.Contains(web.Service.Env, "WHO=web") || slices.Contains(web.Service.Env, "WHO=all") ||
		!slices.Contains(front.Service.Env, "WHO=all") {
		t.Errorf("what a service says does not stand above what is said for all")
	}

	names := func(args ...string) (names []string) {
		t.Helper()
		r, err := wishesIn(t, config, args...).Resolve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Services {
			names = append(names, s.Config.Name)
		}
		return names
	}
	for _, c := range []struct{ args, want []string }{
		{nil, []string{"web", "front"}},
		{[]string{"front", "web"}, []string{"front", "web"}},
		{[]string{"front"}, []string{"front"}},
		{[]string{"."}, []string{""}},
		{[]string{"./cmd/web", "front"}, []string{""}},
		{[]string{"./cmd/web", "./templates"}, []string{""}},
	} {
		if have := names(c.args...); !slices.Equal(have, c.want) {
			t.Errorf("%q: services %q, want %q", c.args, have, c.want)
		}
	}
	if have := names("./cmd/web", "."); len(have) != 2 || have[0] != "web" {
		t.Errorf("two packages: services %q", have)
	}
	if _, err := wishesIn(t, config, "web", "nobody").Resolve(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "nobody: no such service") {
		t.Errorf("a service that is none: %v", err)
	}
}

func TestNameAmong(t *testing.T) {
	pkgs := []string{"./web/cmd", "./api/cmd", "./api/tool"}
	for i, want := range []string{"web-cmd", "api-cmd", "tool"} {
		if have := nameAmong("/m", pkgs, i); have != want {
			t.Errorf("%s is called %s, want %s", pkgs[i], have, want)
		}
	}
}

func TestWorkerCount(t *testing.T) {
	for text, want := range map[string]int{"1": 1, "12": 12, "auto": runtime.GOMAXPROCS(0)} {
		var n workerCount
		if err := n.Set(text); err != nil || int(n) != want {
			t.Errorf("%s: %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "1.5", "many"} {
		var n workerCount
		if err := n.Set(text); err == nil {
			t.Errorf("%q is taken for %d", text, n)
		}
	}
}

func TestBuildWords(t *testing.T) {
	for _, e := range []struct {
		word        string
		slow, patch bool
	}{{"auto", false, true}, {"link", false, false}, {"go", true, false}} {
		r, err := wishesIn(t, `build = "`+e.word+`"`, "./cmd/web").Resolve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p := r.Services[0].Config.Program; p.Slow != e.slow || p.Patch != e.patch {
			t.Errorf("%s: slow %v, patch %v", e.word, p.Slow, p.Patch)
		}
	}
}
