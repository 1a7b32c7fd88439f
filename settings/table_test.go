package settings

import (
	"cmp"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"hotreload/killswitch"
	"hotreload/runner"
)

// apart are keys that the test of changes leaves out, with the reason.
var apart = map[string]string{
	"name": "another name is another service", "service": "its keys are tested",
}

// A setting that changes while hotreload runs takes effect, or is named: each key, in each place of the file.
func TestEveryChangeTakesEffectOrIsNamed(t *testing.T) {
	t.Setenv("CGO_ENABLED", "1") // restores the previous value
	os.Unsetenv("CGO_ENABLED")   // which the example of build_env sets: the environment goes before the file
	for place, where := range map[string]Where{
		"": InFile, "[[service]]\nname = \"api\"\npackage = \".\"\n[[service]]\nname = \"a\"\n": InService,
		"[[service]]\nname = \"api\"\npackage = \".\"\n[browser]\n": InBrowser,
	} {
		for _, s := range KeysIn(where) {
			key := s.Key()
			if apart[key] != "" {
				continue
			}
			t.Run(place+key, func(t *testing.T) {
				example := s.Example
				if s.Name == User.Name { // the file must exist
					if example = `"nobody"`; os.Geteuid() != 0 {
						t.Skip("only root may run the workers as somebody else")
					}
				}
				before, after := place, place+key+" = "+example+"\n"
				named := key
				if where == InBrowser {
					named = "browser." + key
				}
				if where == InService {
					named = "a." + key
					switch both := "package = \".\"\n"; key {
					case "package":
						before += both
					case "command":
						before += "command = [\"true\"]\n"
					case "on_reload":
						both += "reloadable = false\n"
						fallthrough
					default:
						before, after = before+both, after+both
					}
				}
				old, now := changed(t, before, after)
				pending := old.Pending(now)
				if s.Change == Pending && !slices.Contains(pending, named) {
					t.Errorf("it is to be named, and is not: %q", pending)
				}
				if s.Change == AtOnce && len(pending) > 0 {
					t.Errorf("it is to take effect at once; named are %q", pending)
				}
				took := !reflect.DeepEqual(taken(old), taken(now))
				if s.Change == AtOnce && !took {
					t.Error("it is to take effect at once, but neither a service's runner.Config nor Manner has it")
				}
				if s.Change == Pending && took {
					t.Error("it is to be pending, and takes effect")
				}
			})
		}
	}
}

// changed is the effect of a file before and after a change.
func changed(t *testing.T, before, after string) (old, now *Resolved) {
	t.Helper()
	w := wishesIn(t, before)
	old, err := w.Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{FileName: after, ".gitignore": "git\n"} {
		if err := os.WriteFile(filepath.Join(w.Dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if now, err = w.Resolve(t.Context()); err != nil {
		t.Fatal(err)
	}
	return old, now
}

// taken is what a running hotreload takes over: runner.takeOver, and the reporters.
func taken(r *Resolved) []any {
	pages := r.Pages
	pages.Open, pages.Proxy, pages.ProxyTo = false, "", "" // once, at the start
	all := []any{r.Values.Manner(), pages}
	for _, c := range r.Configs() {
		args := append([]string{}, c.Service.Args[max(len(c.Command)-1, 0):]...) // a command pends as a whole
		dir := filepath.Dir(r.Path)
		rules := c.Ignore([]string{dir}, nil)
		tmp, _ := rules.Ignored(filepath.Join(dir, "tmp"), true)
		git, _ := rules.Ignored(filepath.Join(dir, "git"), false)
		c.Program.Args, c.Program.Plain, c.Service.Policy.Ready = nil, false, 0
		all = append(all, c.Service.Policy, c.Service.Stop, args, c.Service.Env, c.Service.Listen, c.OnReload,
			c.Program, c.Rules, c.Watch, c.EnvFiles, tmp, git)
	}
	return all
}

// The test above has to know what the runner does not take over.
func TestTakenLeavesOut(t *testing.T) {
	a, b := &Resolved{Values: NewValues()}, &Resolved{Values: NewValues()}
	none := func(folders, trees []string) runner.Ignorer { return ignorer(a.Values, "/")(folders, trees) }
	a.Services = []*Service{{Config: runner.Config{Files: runner.Files{Ignore: none}}}}
	b.Services = []*Service{{Config: runner.Config{
		Files: runner.Files{Ignore: none, Poll: 1}, Pinned: true, After: []string{"x"}, Command: []string{"x"},
		Switch: killswitch.File{Path: "x"},
	}}}
	if !reflect.DeepEqual(taken(a), taken(b)) {
		t.Error("it takes what is pending")
	}
}

// The command line overrides the file. Here the file has the command line's values, too.
func TestCommandLineWins(t *testing.T) {
	standard := NewValues()
	for _, s := range KeysIn(InFile) {
		if !s.Flag() {
			continue
		}
		flag, value := standard.flags.Lookup(s.Name), standard.text(s)
		if _, several := flag.Value.(pflag.SliceValue); several {
			value = "cmd"
		}
		value = cmp.Or(map[string]string{"listen": ":1", "max-rss": "1MB"}[s.Name], value)
		t.Run(s.Name, func(t *testing.T) {
			w := wishesIn(t, s.Key()+" = "+s.Example+"\n", "--"+s.Name+"="+value)
			r, err := w.Resolve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			bare := NewValues()
			if err := bare.give(w.given); err != nil {
				t.Fatal(err)
			}
			if have, want := r.Values.text(s), bare.text(s); have != want {
				t.Errorf("have %s, want %s", have, want)
			}
		})
	}
}

// Each row is complete.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range All() {
		if s.Example == "" && s.Where != CommandLine {
			t.Errorf("%s has no example", s.Name)
		}
		if s.Doc == "" || strings.HasPrefix(s.Doc, " ") {
			t.Errorf("%s has no paragraph", s.Name)
		}
		if s.Flag() && strings.Count(s.Help, "`")%2 != 0 || s.Flag() == (s.Help == "") {
			t.Errorf("%s: a flag has a sentence for --help, and a key alone has none: %q", s.Name, s.Help)
		}
		if s.Flag() && strings.Contains(s.Name, "_") {
			t.Errorf("%s: flags have dashes", s.Name)
		}
		if !s.Flag() && s.Change == Pending && s.Effect == nil && s.Where != InBrowser { // compared by their texts
			t.Errorf("%s: nothing says whether it has changed", s.Name)
		}
		for _, place := range []Where{CommandLine, InFile, InService, InRule, InBrowser} {
			name := s.Name + string(rune('0'+place))
			if s.Where&place != 0 && seen[name] {
				t.Errorf("there are two %s", s.Name)
			}
			seen[name] = seen[name] || s.Where&place != 0
		}
	}
}
