package migrate

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// File is a hotreload.toml. The zero value is an empty one: none is needed.
type File struct {
	values  map[string]any // string, bool, []string, map[string]string
	Rules   []Rule
	Watches []Service // commands to run beside the program
}

// Rule is a [[rule]].
type Rule struct {
	Match []string
	Run   string
	Class string
	When  string
}

// Service is a [[service]] with a command.
type Service struct {
	Name    string
	Command []string
}

// order is the order of the keys in the file; keys for all services come first.
var (
	forAll = []string{"ignore", "clear", "quiet", "color"}
	forOne = []string{
		"package",
		"args",
		"build_flags",
		"build_env",
		"env_file",
		"env",
		"dir",
		"exec",
		"debug",
		"grace",
		"on_exit",
		"watch",
	}
)

// Empty reports whether no file is needed.
func (f File) Empty() bool { return len(f.values) == 0 && len(f.Rules) == 0 && len(f.Watches) == 0 }

// Text returns the string value of a key.
func (f File) Text(key string) string {
	text, _ := f.values[key].(string)
	return text
}

// List returns the list value of a key.
func (f File) List(key string) []string {
	list, _ := f.values[key].([]string)
	return list
}

// Runs returns the commands for files and beside the program.
func (f File) Runs() (all []string) {
	for _, s := range f.Watches {
		all = append(all, joined(s.Command))
	}
	for _, r := range f.Rules {
		all = append(all, r.Run)
	}
	return all
}

func (f *File) set(key string, value any) {
	if f.values == nil {
		f.values = map[string]any{}
	}
	f.values[key] = value
}

// String returns the text of the file. With a command beside the program, both are services.
func (f File) String() string {
	var b strings.Builder
	write := func(keys []string) {
		for _, key := range keys {
			if value, set := f.values[key]; set {
				fmt.Fprintf(&b, "%s = %s\n", key, written(value))
			}
		}
	}
	write(forAll)
	if len(f.Watches) > 0 {
		section(&b, "[[service]]")
		b.WriteString("name = \"web\"\n")
	}
	write(forOne)
	for _, s := range f.Watches {
		section(&b, "[[service]]")
		fmt.Fprintf(&b, "name = %s\ncommand = %s\n", written(s.Name), written(s.Command))
	}
	for _, r := range f.Rules {
		section(&b, "[[rule]]")
		switch len(r.Match) {
		case 0:
		case 1:
			fmt.Fprintf(&b, "match = %s\n", written(r.Match[0]))
		default:
			fmt.Fprintf(&b, "match = %s\n", written(r.Match))
		}
		for _, pair := range [][2]string{{"run", r.Run}, {"class", r.Class}, {"when", r.When}} {
			if pair[1] != "" {
				fmt.Fprintf(&b, "%s = %s\n", pair[0], written(pair[1]))
			}
		}
	}
	return b.String()
}

func section(b *strings.Builder, header string) {
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	b.WriteString(header + "\n")
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// written is a value in TOML.
func written(value any) string {
	switch value := value.(type) {
	case string:
		return quoted(value)
	case []string:
		var all []string
		for _, one := range value {
			all = append(all, quoted(one))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case map[string]string:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			key := name
			if !bareKey.MatchString(key) {
				key = quoted(key)
			}
			all = append(all, key+" = "+quoted(value[name]))
		}
		return "{ " + strings.Join(all, ", ") + " }"
	default:
		return fmt.Sprint(value)
	}
}

// quoted is a string in TOML: without escapes, if possible.
func quoted(text string) string {
	if strings.ContainsAny(text, `"\`) &&
		!strings.ContainsFunc(text, func(r rune) bool { return r == '\'' || r < ' ' || r == 127 }) {
		return "'" + text + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 127:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
