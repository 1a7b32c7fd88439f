package settings

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Setting is one row of the table: a flag, a key of hotreload.toml, or both.
type Setting struct {
	Name   string // name of the flag; the key has _ for -
	Short  string // one-letter name of the flag
	Group  Group  // heading of the flag in lists
	Where  Where  // the places where it may be set
	Change Change // the effect of a change while hotreload runs

	// Help is the flag's sentence in --help. The word in backquotes names its value.
	Help string
	// Doc is the setting's text in the reference and the manual page.
	Doc string
	// Hint tells what to do about an invalid value.
	Hint string
	// Words are values for completion, and in the schema of hotreload.toml the only ones.
	Words []string
	// Pattern matches values that are valid, too (in the schema): a regular expression.
	Pattern string

	// Example is a value as written in the file, different from the default. Tests use it, too.
	Example string
	// Bare is the flag's value if it is given without one; "" if it needs one.
	Bare string
	// Effect returns a service's effective value of a key without a flag. If it differs, the setting has changed.
	Effect func(*Service) any

	kind  kind
	check func(*Values) error // checks a flag's value
}

// Group is a heading under which flags are listed, in --help, the reference and the manual page.
type Group uint8

const (
	Everyday  Group = iota
	Replacing       // how new workers replace old ones
	Building        // builds and watching
	Browsers        // pages in browsers
	Operating       // for operators of shared machines
)

// Groups are all groups, in order.
var Groups = []Group{Everyday, Replacing, Building, Browsers, Operating}

func (g Group) String() string {
	return [...]string{"Everyday", "Workers", "Building and watching", "Browser", "Operating"}[g]
}

// Where is a set of places where a setting may be set. The command line overrides a [[service]], and a [[service]] the
// rest of the file.
type Where uint8

const (
	CommandLine Where = 1 << iota
	InFile            // outside all tables of the file
	InService         // in a [[service]], for this service alone
	InRule            // in a [[rule]]
	InBrowser         // in [browser]

	ForHotreload   = CommandLine | InFile             // one value for all services
	ForEachService = CommandLine | InFile | InService // each service may have its own
)

// Change is what happens when a setting changes in the file while hotreload runs.
type Change uint8

const (
	AtOnce  Change = iota // the change takes effect
	Pending               // the change is reported, and takes effect at the next start
)

// Key is a setting with values of one type.
type Key[T any] struct {
	*Setting
	of func(stored any) T
}

// Of returns the setting's value. Parsed values are valid only after Values.check.
func (k Key[T]) Of(v *Values) T { return k.of(v.stored[k.Setting]) }

// in returns the value in a table of the file; the zero value if it is not set.
func (k Key[T]) in(t table) T {
	value, _ := t.values[k.Key()].(T)
	return value
}

// Key returns the setting's name in the file.
func (s *Setting) Key() string { return strings.ReplaceAll(s.Name, "-", "_") }

// Flag reports whether the setting has a flag.
func (s *Setting) Flag() bool { return s.Where&CommandLine != 0 }

// all is the table: the rows of table.go, in order.
var all []*Setting

// All returns all settings, in order.
func All() []*Setting { return all }

// Flags returns the group's settings that have a flag.
func (g Group) Flags() []*Setting {
	var flags []*Setting
	for _, s := range all {
		if s.Flag() && s.Group == g {
			flags = append(flags, s)
		}
	}
	return flags
}

// KeysIn returns the settings for a place of the file, settings without a flag first.
func KeysIn(place Where) []*Setting {
	var keys, flags []*Setting
	for _, s := range all {
		switch {
		case s.Where&place == 0:
		case s.Flag():
			flags = append(flags, s)
		default:
			keys = append(keys, s)
		}
	}
	return append(keys, flags...)
}

// row adds a setting to the table.
func row[T any](s Setting, k kind, of func(stored any) T) Key[T] {
	s.kind = k
	all = append(all, &s)
	return Key[T]{&s, of}
}

// stored returns a value that needs no parsing.
func stored[T any](at any) T { return *at.(*T) }

// text is a setting that holds any text.
func text(s Setting) Key[string] { return row(s, textKind(""), stored[string]) }

// path is the path of a file or a folder; a path in the file is relative to the file.
func path(s Setting) Key[string] {
	k := textKind("")
	k.path = true
	return row(s, k, stored[string])
}

// list is a setting that holds several texts.
func list(s Setting) Key[[]string] { return row(s, listKind(), stored[[]string]) }

// paths holds several paths.
func paths(s Setting) Key[[]string] {
	k := listKind()
	k.path = true
	return row(s, k, stored[[]string])
}

// truth is true or false.
func truth(s Setting) Key[bool] { return row(s, truthKind, stored[bool]) }

// fileOnly is a setting without a flag, with a type of its own.
func fileOnly[T any](k kind, s Setting) Key[T] { return row(s, k, stored[T]) }

// namedTexts is a table of names and texts.
func namedTexts(s Setting) Key[map[string]string] {
	return fileOnly[map[string]string](textTableKind(s.Name), s)
}

// tables is a list of tables; their keys are the settings of a place.
func tables(place Where, s Setting) Key[[]table] {
	return fileOnly[[]table](tablesKind(s.Name, place), s)
}

// oneTable is a table; its keys are the settings of a place.
func oneTable(place Where, s Setting) Key[table] { return fileOnly[table](tableKind(s.Name, place), s) }

// parsed is a text that parse must accept.
func parsed[T any](standard string, parse func(text string) (T, error), s Setting) Key[T] {
	s.check = func(v *Values) error {
		_, err := parse(v.flags.Lookup(s.Name).Value.String())
		return err
	}
	return row(s, textKind(standard), func(at any) T {
		value, _ := parse(*at.(*string))
		return value
	})
}

// parsedList is a list of texts that parse must accept.
func parsedList[T any](parse func(text string) (T, error), s Setting) Key[[]T] {
	every := func(texts []string) (values []T, err error) {
		for _, text := range texts {
			value, err := parse(text)
			if err != nil {
				return nil, err
			}
			values = append(values, value)
		}
		return values, nil
	}
	s.check = func(v *Values) error {
		texts, _ := v.flags.GetStringArray(s.Name)
		_, err := every(texts)
		return err
	}
	return row(s, listKind(), func(at any) []T {
		values, _ := every(*at.(*[]string))
		return values
	})
}

// choice is one of the setting's Words; the first is the default.
func choice(s Setting) Key[string] {
	return parsed(s.Words[0], func(text string) (string, error) {
		for _, word := range s.Words {
			if text == word {
				return text, nil
			}
		}
		is := "none of " + strings.Join(s.Words, ", ")
		if len(s.Words) == 2 {
			is = "neither " + s.Words[0] + " nor " + s.Words[1]
		}
		return "", fmt.Errorf("--%s %q is %s", s.Name, text, is)
	}, s)
}

// duration is a time with a unit; right reports whether it is long enough.
func duration(standard time.Duration, right func(time.Duration) bool, s Setting) Key[time.Duration] {
	s.Hint = "durations have a unit: 500ms, 5s, 1m"
	s.check = func(v *Values) error {
		if d, err := v.flags.GetDuration(s.Name); err != nil || !right(d) {
			return fmt.Errorf("--%s %v is too short", s.Name, d)
		}
		return nil
	}
	s.Pattern = durations
	k := textKind("")
	k.flag = func(f *pflag.FlagSet, s *Setting) any { return f.DurationP(s.Name, s.Short, standard, s.Help) }
	return row(s, k, stored[time.Duration])
}

// number is a whole number; right returns why it is invalid, or "".
func number(standard int64, right func(int64) (wrong string), s Setting) Key[int64] {
	s.check = func(v *Values) error {
		n, _ := v.flags.GetInt64(s.Name)
		if wrong := right(n); wrong != "" {
			return fmt.Errorf("--%s %d is %s", s.Name, n, wrong)
		}
		return nil
	}
	k := numberKind
	k.flag = func(f *pflag.FlagSet, s *Setting) any { return f.Int64P(s.Name, s.Short, standard, s.Help) }
	return row(s, k, stored[int64])
}

// own is a setting whose type parses its own text.
func own[T any, P interface {
	*T
	pflag.Value
}](standard T, k kind, s Setting) Key[T] {
	k.flag = func(f *pflag.FlagSet, s *Setting) any {
		value := standard
		f.VarP(P(&value), s.Name, s.Short, s.Help)
		return &value
	}
	return row(s, k, stored[T])
}

// plain removes pflag's prefix, which repeats what the message already has.
func plain(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
