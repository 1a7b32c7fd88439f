package settings

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"
)

// Values holds the values of all settings with a flag: for hotreload as a whole, or for one service.
type Values struct {
	GoFlags []string // Go's build flags

	flags  *pflag.FlagSet
	stored map[*Setting]any
	from   map[string]table // flag -> the table of the file with its value
}

// NewValues returns the default values.
func NewValues() *Values {
	v := &Values{flags: pflag.NewFlagSet("hotreload", pflag.ContinueOnError), stored: map[*Setting]any{},
		from: map[string]table{}}
	v.flags.SortFlags = false
	v.flags.SetInterspersed(false)
	for _, s := range all {
		if s.Flag() {
			v.stored[s] = s.kind.flag(v.flags, s)
		}
		if s.Bare != "" {
			v.flags.Lookup(s.Name).NoOptDefVal = s.Bare
		}
	}
	return v
}

// Flags returns the flags that set the values.
func (v *Values) Flags() *pflag.FlagSet { return v.flags }

// text returns a value as the user would write it.
func (v *Values) text(s *Setting) string { return v.flags.Lookup(s.Name).Value.String() }

// give sets the flags from the command line.
func (v *Values) give(all []given) error {
	for _, given := range all {
		for _, value := range given.values {
			if err := v.flags.Set(given.name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// apply sets all flags that the command line omits to the values of a table.
func (v *Values) apply(f *file, t table) error {
	for _, s := range all {
		value, set := t.values[s.Key()]
		flag := v.flags.Lookup(s.Name)
		if !set || flag == nil || flag.Changed && v.from[s.Name].values == nil {
			continue
		}
		texts, several := value.([]string)
		if !several {
			texts = []string{fmt.Sprint(value)}
		} else if list, ok := flag.Value.(pflag.SliceValue); ok && flag.Changed {
			_ = list.Replace(nil)
		}
		for _, text := range texts {
			if s.kind.path && text != "" && (s.kind.notPath == nil || !s.kind.notPath(text)) {
				text = f.abs(text)
			}
			if err := v.flags.Set(s.Name, text); err != nil {
				return f.at(f.line(t, s.Key()), fmt.Errorf("%s = %q is not valid: %w", s.Key(), text, plain(err)), s.hint())
			}
		}
		v.from[s.Name] = t
	}
	return nil
}

func (s *Setting) hint() string {
	if s.Hint != "" {
		return s.Hint
	}
	return s.Key() + " is " + s.kind.is
}

// check checks each value, and combinations of values.
func (v *Values) check() error {
	for _, s := range all {
		if s.check != nil && s.Flag() {
			if err := s.check(v); err != nil {
				return badFlag{s.Name, Usage(err, s.hint())}
			}
		}
	}
	if User.Of(v) != "" && PreferUser.Of(v) != "" {
		return badFlag{PreferUser.Name, Usage(errors.New("--prefer-user cannot be combined with --user"),
			"--user is stronger: leave one of them out")}
	}
	if len(Exec.Of(v)) > 0 && User.Of(v)+PreferUser.Of(v) != "" {
		return badFlag{Exec.Name, Usage(errors.New("--exec cannot be combined with --user"),
			"--user runs the program itself; let --exec change the user: sudo -E -u NAME")}
	}
	if Workers.Of(v) > 1 && len(Listen.Of(v)) == 0 && NoAgent.Of(v) {
		return badFlag{Workers.Name, Usage(
			errors.New("--workers with --no-agent and without --listen: each worker would bind the program's port for itself"),
			"remove --no-agent; or add --listen with the program's address, "+
				"for a program that uses the sockets in LISTEN_FDS",
		)}
	}
	return nil
}

// given is a flag that was given on the command line.
type given struct {
	name   string
	values []string
}

// givenOf returns the parsed flags that the command line contains.
func givenOf(flags *pflag.FlagSet) (all []given) {
	ours := NewValues().flags
	flags.Visit(func(f *pflag.Flag) {
		if ours.Lookup(f.Name) == nil {
			return // --help
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = slices.Clone(list.GetSlice())
		}
		all = append(all, given{f.Name, values})
	})
	return all
}

// Manner contains the settings that cli itself uses, and that take effect at once when the file changes. The settings
// of services are in runner.Config.
type Manner struct{ Quiet, Verbose, Clear, Test bool }

// Manner returns them.
func (v *Values) Manner() Manner {
	return Manner{Quiet: Quiet.Of(v), Verbose: Verbose.Of(v), Clear: Clear.Of(v), Test: Test.Of(v)}
}
