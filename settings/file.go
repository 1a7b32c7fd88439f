package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// FileName is the name of the configuration file. hotreload looks for it from the current folder up to the module's
// root. The file is optional.
const FileName = "hotreload.toml"

// file is a configuration file after reading.
type file struct {
	path  string
	top   table
	lines map[string]int // key -> line; keys of the n-th rule are rule.n.KEY, those of services service.n.KEY
}

// table is one table of the file, or the part outside all tables.
type table struct {
	place  string         // prefix of the table's keys in file.lines
	values map[string]any // of the types of Key
}

// Find looks for the file from dir upwards, to the module's root. If there is none, path is its place in the root, or
// "" outside a module.
func Find(dir string) (path string, found bool) {
	for {
		path := filepath.Join(dir, FileName)
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

// read reads a configuration file. Errors name the line and, for an unknown key, the most similar key.
func read(path string) (*file, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &file{path: path, lines: linesOf(text)}
	err = toml.Unmarshal(text, &f.top.values)
	var wrong *toml.DecodeError
	switch {
	case errors.As(err, &wrong):
		line, _ := wrong.Position()
		return nil, f.at(line, untitled(err), "TOML wants key = value, strings in quotes, lists in brackets")
	case err != nil:
		return nil, f.at(0, untitled(err), "TOML wants key = value, strings in quotes, lists in brackets")
	}
	return f, f.understand(&f.top, InFile, "")
}

func untitled(err error) error { return errors.New(strings.TrimPrefix(err.Error(), "toml: ")) }

// understand converts the values of a table to the program's types. The table's keys are those of place; of is the
// prefix of its name.
func (f *file) understand(t *table, place Where, of string) error {
	var keys []string
	for key := range t.values {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return f.line(*t, a) - f.line(*t, b) })
	known := KeysIn(place)
	for _, key := range keys {
		i := slices.IndexFunc(known, func(s *Setting) bool { return s.Key() == key })
		if i < 0 {
			return f.at(f.line(*t, key), fmt.Errorf("unknown key %q", of+key), suggestion(key, known))
		}
		value, right := known[i].kind.read(t.values[key])
		if !right {
			return f.wrong(*t, known[i])
		}
		t.values[key] = value
		if one, is := value.(table); is {
			one.place = t.place + key + "."
			if err := f.understand(&one, known[i].kind.place, of+key+"."); err != nil {
				return err
			}
			t.values[key] = one
		}
		inner, _ := value.([]table)
		for n := range inner {
			inner[n].place = t.place + key + "." + strconv.Itoa(n) + "."
			if err := f.understand(&inner[n], known[i].kind.place, of+key+"."); err != nil {
				return err
			}
		}
	}
	return nil
}

// wrong returns an error about a value of the wrong type.
func (f *file) wrong(t table, s *Setting) error {
	key, value, isNot := s.Key(), t.values[s.Key()], s.kind.isNot
	if entries, _ := value.(map[string]any); s.kind.ofTexts {
		for name, entry := range entries {
			if _, right := entry.(string); !right {
				key, value, isNot = key+"."+name, entry, "not a string"
			}
		}
	}
	return f.at(f.line(t, key), fmt.Errorf("%s = %s is %s", key, shown(value), isNot), s.Key()+" is "+s.kind.is)
}

// at returns an error about a line of the file.
func (f *file) at(line int, err error, hint string) error {
	return Usage(Misplaced{f.path, line, err}, hint)
}

// line returns the line of a key, or else of its table.
func (f *file) line(t table, key string) int {
	if line, known := f.lines[t.place+key]; known {
		return line
	}
	first := 0
	for name, line := range f.lines { // a table without a header: hooks.on_start = "…"
		if strings.HasPrefix(name, t.place+key+".") && (first == 0 || line < first) {
			first = line
		}
	}
	if first == 0 {
		first = f.lines[strings.TrimSuffix(t.place, ".")]
	}
	return first
}

// suggestion returns a hint with the known key that is most similar to an unknown one.
func suggestion(wanted string, known []*Setting) string {
	best, least := "", 1+len(wanted)/2
	var keys []string
	for _, s := range known {
		keys = append(keys, s.Key())
		if d := distance(strings.ToLower(strings.ReplaceAll(wanted, "-", "_")), s.Key()); d < least {
			best, least = s.Key(), d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "the keys are " + strings.Join(keys, ", ")
}

// distance is the Levenshtein distance.
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

// abs makes a path in the file absolute.
func (f *file) abs(path string) string { return Absolute(filepath.Dir(f.path), path) }

// locate turns an error about a flag into one about the line of the file with the value.
func (f *file) locate(v *Values, err error) error {
	var bad badFlag
	if f == nil || !errors.As(err, &bad) || v.from[bad.name].values == nil {
		return err
	}
	key := strings.ReplaceAll(bad.name, "-", "_")
	text := strings.Replace(err.Error(), "--"+bad.name, key, 1)
	return f.at(f.line(v.from[bad.name], key), errors.New(text), HintOf(err))
}

// pkg converts a package in the file to one for go, run in dir.
func (f *file) pkg(dir, pkg string) string {
	relative := pkg == "." || strings.HasPrefix(pkg, "./") || strings.HasPrefix(pkg, "../")
	if here := filepath.Dir(f.path); here != dir && relative {
		if rel, err := filepath.Rel(dir, filepath.Join(here, pkg)); err == nil {
			return "." + string(filepath.Separator) + rel
		}
	}
	return pkg
}

// args returns the package and its arguments, if the command line names no package.
func (f *file) args(dir string, given []string) []string {
	if len(given) > 0 || Package.in(f.top) == "" {
		return given
	}
	return append([]string{f.pkg(dir, Package.in(f.top))}, Arguments.in(f.top)...)
}
