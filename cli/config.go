package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	"github.com/spf13/pflag"

	"hotreload/runner"
)

// configName is the configuration file, in the module's root or above the folder that hotreload is started in, up to
// there. None is needed.
const configName = "hotreload.toml"

// settings are the keys of the configuration file. A key is the flag of that name, with _ for -, but for those that
// the command line says without a flag, and the tables.
type settings struct {
	Package    string   `toml:"package"`
	Arguments  []string `toml:"args"`
	BuildFlags []string `toml:"build_flags"`

	Listen       []string `toml:"listen"`
	Workers      any      `toml:"workers"` // a number, or "auto"
	Strategy     string   `toml:"strategy"`
	Surge        int      `toml:"surge"`
	Ready        string   `toml:"ready"`
	Grace        string   `toml:"grace"`
	Handover     string   `toml:"handover"`
	StartTimeout string   `toml:"start_timeout"`
	StopSignal   string   `toml:"stop_signal"`
	User         string   `toml:"user"`
	PreferUser   string   `toml:"prefer_user"`
	MaxRSS       string   `toml:"max_rss"`
	MaxAge       string   `toml:"max_age"`
	MaxRequests  int      `toml:"max_requests"`
	Watch        []string `toml:"watch"`
	Ignore       []string `toml:"ignore"`
	NoGitignore  bool     `toml:"no_gitignore"`
	Poll         string   `toml:"poll"`
	EnvFile      []string `toml:"env_file"`
	Stdin        bool     `toml:"stdin"`
	Debug        bool     `toml:"debug"`
	NoAgent      bool     `toml:"no_agent"`
	Build        string   `toml:"build"`
	Control      string   `toml:"control"`
	ControlToken string   `toml:"control_token"`
	PidFile      string   `toml:"pid_file"`
	KillSwitch   string   `toml:"kill_switch"`
	Quiet        bool     `toml:"quiet"`
	Verbose      bool     `toml:"verbose"`
	Color        string   `toml:"color"`

	Env     map[string]string `toml:"env"`
	Hooks   map[string]string `toml:"hooks"`
	Rule    []ruleSettings    `toml:"rule"`
	Service []serviceSettings `toml:"service"`
}

// serviceSettings is a [[service]]: what it says stands above the same key outside it.
type serviceSettings struct {
	Name       string   `toml:"name"`
	Package    string   `toml:"package"`
	Command    []string `toml:"command"` // instead of a package
	Arguments  []string `toml:"args"`
	BuildFlags []string `toml:"build_flags"`
	After      []string `toml:"after"`
	Reloadable *bool    `toml:"reloadable"` // nil = true
	OnReload   string   `toml:"on_reload"`  // a signal

	Listen       []string `toml:"listen"`
	Workers      any      `toml:"workers"` // a number, or "auto"
	Strategy     string   `toml:"strategy"`
	Surge        int      `toml:"surge"`
	Ready        string   `toml:"ready"`
	Grace        string   `toml:"grace"`
	Handover     string   `toml:"handover"`
	StartTimeout string   `toml:"start_timeout"`
	StopSignal   string   `toml:"stop_signal"`
	User         string   `toml:"user"`
	PreferUser   string   `toml:"prefer_user"`
	MaxRSS       string   `toml:"max_rss"`
	MaxAge       string   `toml:"max_age"`
	MaxRequests  int      `toml:"max_requests"`
	Watch        []string `toml:"watch"`
	EnvFile      []string `toml:"env_file"`
	Stdin        bool     `toml:"stdin"`
	Debug        bool     `toml:"debug"`
	NoAgent      bool     `toml:"no_agent"`

	Env   map[string]string `toml:"env"`
	Hooks map[string]string `toml:"hooks"`
}

// ruleSettings is a [[rule]]: what files that match are, or what is run for them before the program is built.
type ruleSettings struct {
	Match   any    `toml:"match"` // a pattern or a list of patterns
	Class   string `toml:"class"`
	Run     string `toml:"run"`
	Timeout string `toml:"timeout"`
}

// notFlags are the keys that no flag has.
var notFlags = []string{"package", "args", "build_flags", "env", "rule", "service", "name", "command", "after", "reloadable", "on_reload", "hooks"}

// configFile is a configuration file that was read.
type configFile struct {
	path string
	settings
	lines map[string]int // key -> line; those of the n-th rule are rule.n.KEY, and so with services
}

// findConfig looks for the file from dir upwards, to the root of the module. If it is nowhere, path is where it would
// be, in the root, or "" outside a module.
func findConfig(dir string) (path string, found bool) {
	for {
		path := filepath.Join(dir, configName)
		if _, err := os.Stat(path); err == nil {
			return path, true
		}
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return path, false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// readConfig reads a configuration file. Its errors name the line, and for a key that is not known the nearest that is.
func readConfig(path string) (*configFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &configFile{path: path, lines: linesOf(text)}
	decoder := toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields()
	err = decoder.Decode(&c.settings)
	var missing *toml.StrictMissingError
	var wrong *toml.DecodeError
	switch {
	case errors.As(err, &missing):
		first := missing.Errors[0]
		line, _ := first.Position()
		key := strings.Join(first.Key(), ".")
		return nil, c.at(line, fmt.Errorf("unknown key %q", key), suggestion(first.Key()))
	case errors.As(err, &wrong):
		line, _ := wrong.Position()
		return nil, c.at(line, errors.New(strings.TrimPrefix(wrong.Error(), "toml: ")), hintForType(wrong))
	case err != nil:
		return nil, c.at(0, errors.New(strings.TrimPrefix(err.Error(), "toml: ")), "see docs/reference.md for the keys")
	}
	return c, nil
}

// at is an error about a line of the file.
func (c *configFile) at(line int, err error, hint string) error {
	place := filepath.Base(c.path)
	if line > 0 {
		place += ":" + strconv.Itoa(line)
	}
	return usageError{hinted{fmt.Errorf("%s: %w", place, err), hint}}
}

func hintForType(err *toml.DecodeError) string {
	key := err.Key()
	if len(key) == 0 {
		return "TOML wants key = value, strings in quotes, lists in brackets"
	}
	if kind := kindOf(key); kind != "" {
		return fmt.Sprintf("%s is %s", strings.Join(key, "."), kind)
	}
	return "TOML wants key = value, strings in quotes, lists in brackets"
}

// kindOf says what a key's value looks like.
func kindOf(key toml.Key) string {
	t := fieldsOf(key)
	for _, field := range reflect.VisibleFields(t) {
		if field.Tag.Get("toml") != key[len(key)-1] {
			continue
		}
		switch field.Type.Kind() {
		case reflect.String:
			return `a string: "…"`
		case reflect.Int:
			return "a number"
		case reflect.Bool, reflect.Pointer:
			return "true or false"
		case reflect.Slice:
			if field.Type.Elem().Kind() == reflect.Struct {
				return "a list of tables: [[" + key[len(key)-1] + "]]"
			}
			return `a list of strings: ["…", "…"]`
		case reflect.Map:
			return "a table: [" + key[len(key)-1] + "]"
		}
	}
	return ""
}

// fieldsOf is the type in which a key stands.
func fieldsOf(key toml.Key) reflect.Type {
	if len(key) > 1 && key[0] == "rule" {
		return reflect.TypeFor[ruleSettings]()
	}
	if len(key) > 1 && key[0] == "service" {
		return reflect.TypeFor[serviceSettings]()
	}
	return reflect.TypeFor[settings]()
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for _, field := range reflect.VisibleFields(t) {
		if key := field.Tag.Get("toml"); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// suggestion names the known key that is most like one that is not.
func suggestion(key toml.Key) string {
	known := keysOf(fieldsOf(key))
	wanted := key[len(key)-1]
	best, least := "", 1+len(wanted)/2
	for _, candidate := range known {
		if d := distance(strings.ReplaceAll(wanted, "-", "_"), candidate); d < least {
			best, least = candidate, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "the keys are " + strings.Join(known, ", ")
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal, row[j+1] = row[j+1], min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// linesOf finds the line of each key. What is no TOML has none: decoding it says why.
func linesOf(text []byte) map[string]int {
	lines := map[string]int{}
	var parser unstable.Parser
	parser.Reset(text)
	table, counted := "", map[string]int{}
	for parser.NextExpression() {
		node := parser.Expression()
		var parts []string
		line := 0
		for key := node.Key(); key.Next(); {
			if line == 0 {
				line = parser.Shape(key.Node().Raw).Start.Line
			}
			parts = append(parts, string(key.Node().Data))
		}
		name := strings.Join(parts, ".")
		switch node.Kind {
		case unstable.Table:
			table = name + "."
		case unstable.ArrayTable:
			counted[name]++
			name += "." + strconv.Itoa(counted[name]-1)
			table = name + "."
		default:
			name = table + name
		}
		if _, known := lines[name]; !known {
			lines[name] = line
		}
	}
	return lines
}

// origins tells which flags have their values from the file: flag -> key.
type origins map[string]string

// apply gives the flags that the command line does not have the values of the file, those outside of all tables or, with
// their place in front ("service.0."), those of a service.
func (c *configFile) apply(flags *pflag.FlagSet, from origins, settings any, place string) error {
	v := reflect.ValueOf(settings)
	for i, field := range reflect.VisibleFields(v.Type()) {
		key := field.Tag.Get("toml")
		line, set := c.lines[place+key]
		if !set || slices.Contains(notFlags, key) {
			continue
		}
		name := strings.ReplaceAll(key, "_", "-")
		flag := flags.Lookup(name)
		if flag == nil {
			return fmt.Errorf("key %s has no flag", key)
		}
		if flag.Changed && from[name] == "" {
			continue
		}
		var values []string
		switch value := v.Field(i).Interface().(type) {
		case []string:
			values = value
			if slices.Contains([]string{"watch", "env_file"}, key) {
				for j, path := range values {
					values[j] = c.abs(path)
				}
			}
			if list, ok := flag.Value.(pflag.SliceValue); ok && flag.Changed {
				_ = list.Replace(nil)
			}
		default:
			values = []string{fmt.Sprint(value)}
			if slices.Contains([]string{"control_token", "pid_file", "kill_switch"}, key) && values[0] != "" {
				values[0] = c.abs(values[0])
			}
		}
		for _, value := range values {
			if err := flags.Set(name, value); err != nil {
				hint := "durations have a unit: 500ms, 5s, 1m"
				if key == "workers" {
					hint = `workers is a number, or "auto"`
				}
				return c.at(line, fmt.Errorf("%s = %q is not right: %w", key, value, plain(err)), hint)
			}
		}
		from[name] = place + key
	}
	return nil
}

// plain takes off what pflag says in front, which the reader knows.
func plain(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// abs is a path of the file as an absolute one.
func (c *configFile) abs(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.path), path)
}

// locate makes an error about a flag one about the line of the file that the value came from.
func (c *configFile) locate(from origins, err error) error {
	var bad badFlag
	if c == nil || !errors.As(err, &bad) || from[bad.name] == "" {
		return err
	}
	key := strings.ReplaceAll(bad.name, "-", "_")
	return c.at(c.lines[from[bad.name]], errors.New(strings.Replace(err.Error(), "--"+bad.name, key, 1)), hintOf(err))
}

// pkg is a package of the file as one that go, run in dir, understands.
func (c *configFile) pkg(dir, pkg string) string {
	if here := filepath.Dir(c.path); here != dir && (pkg == "." || strings.HasPrefix(pkg, "./") || strings.HasPrefix(pkg, "../")) {
		if rel, err := filepath.Rel(dir, filepath.Join(here, pkg)); err == nil {
			return "." + string(filepath.Separator) + rel
		}
	}
	return pkg
}

// args are the package and its arguments, if the command line names none.
func (c *configFile) args(dir string, given []string) []string {
	if len(given) > 0 || c.Package == "" {
		return given
	}
	return append([]string{c.pkg(dir, c.Package)}, c.Arguments...)
}

// withVariables adds the variables that env does not have.
func withVariables(env []string, variables map[string]string) []string {
	there := map[string]bool{}
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		there[name] = true
	}
	env = slices.Clip(env)
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if !there[name] {
			env = append(env, name+"="+variables[name])
		}
	}
	return env
}

// rules turns the [[rule]] tables into the runner's.
func (c *configFile) rules() ([]runner.Rule, error) {
	var rules []runner.Rule
	for i, s := range c.Rule {
		line := func(key string) int {
			if n, ok := c.lines[fmt.Sprintf("rule.%d.%s", i, key)]; ok {
				return n
			}
			return c.lines[fmt.Sprintf("rule.%d", i)]
		}
		rule := runner.Rule{Root: filepath.Dir(c.path), Run: s.Run}
		switch match := s.Match.(type) {
		case string:
			rule.Match = []string{match}
		case []any:
			for _, one := range match {
				pattern, ok := one.(string)
				if !ok {
					return nil, c.at(line("match"), fmt.Errorf("match holds %v, which is no string", one), `match = ["*.templ", "assets/**"]`)
				}
				rule.Match = append(rule.Match, pattern)
			}
		case nil:
			return nil, c.at(line("match"), errors.New("a [[rule]] without match"), `match = "**/*.templ" says which files it is for`)
		default:
			return nil, c.at(line("match"), fmt.Errorf("match = %v is neither a string nor a list", match), `match = "**/*.templ"`)
		}
		for _, pattern := range rule.Match {
			if !doublestar.ValidatePattern(pattern) || pattern == "" || filepath.IsAbs(pattern) || strings.HasPrefix(pattern, "..") {
				return nil, c.at(line("match"), fmt.Errorf("match = %q is no pattern for files below %s's folder", pattern, configName), `as in "templates/*.html" or "**/*.templ"`)
			}
		}
		switch s.Class {
		case "":
		case "rebuild", "restart", "live", "none":
			class := map[string]runner.Class{"rebuild": runner.Rebuild, "restart": runner.Restart, "live": runner.Live, "none": runner.None}[s.Class]
			rule.Class = &class
		default:
			return nil, c.at(line("class"), fmt.Errorf("class = %q is none of rebuild, restart, live, none", s.Class), "a rule with run and without class rebuilds")
		}
		if rule.Class == nil && rule.Run == "" {
			return nil, c.at(line("match"), errors.New("a [[rule]] without class and without run does nothing"), `class = "restart", or run = "templ generate"`)
		}
		rule.Timeout = runner.DefaultTimeout
		if s.Timeout != "" {
			var err error
			if rule.Timeout, err = time.ParseDuration(s.Timeout); err != nil || rule.Timeout <= 0 {
				return nil, c.at(line("timeout"), fmt.Errorf("timeout = %q is no time", s.Timeout), "durations have a unit: 500ms, 5s, 1m")
			}
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// hooks are the [hooks], and above them those of a service. A command runs in the file's folder.
func (c *configFile) hooks(own map[string]string) (runner.Hooks, error) {
	h := runner.Hooks{Commands: map[runner.Hook]string{}, Dir: filepath.Dir(c.path)}
	for _, table := range []map[string]string{c.Hooks, own} {
		for _, name := range slices.Sorted(maps.Keys(table)) {
			line := c.lines["hooks."+name]
			if name == "timeout" {
				var err error
				if h.Timeout, err = time.ParseDuration(table[name]); err != nil || h.Timeout <= 0 {
					return h, c.at(line, fmt.Errorf("hooks.timeout = %q is no time", table[name]), "durations have a unit: 500ms, 5s, 1m")
				}
				continue
			}
			if !slices.Contains(runner.AllHooks, runner.Hook(name)) {
				return h, c.at(line, fmt.Errorf("unknown key %q", "hooks."+name), "the hooks are "+hookNames())
			}
			h.Commands[runner.Hook(name)] = table[name]
		}
	}
	if len(h.Commands) == 0 {
		return runner.Hooks{}, nil
	}
	return h, nil
}

func hookNames() string {
	var names []string
	for _, hook := range runner.AllHooks {
		names = append(names, string(hook))
	}
	return strings.Join(names, ", ")
}
