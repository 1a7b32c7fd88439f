package settings

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"hotreload/gobuild"
)

// Split separates hotreload's flags, Go's build flags, and the rest, which begins with the package. Long flags of
// hotreload may have one dash, like Go's. If the last argument is a flag without its value, the error is a *NeedsValue.
func Split(args []string, ours *pflag.FlagSet) (own, goFlags, rest []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		if arg == "--" {
			return own, goFlags, args[1:], nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			return own, goFlags, args, nil
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		flag := ours.Lookup(name)
		if flag == nil && len(name) == 1 {
			flag = ours.ShorthandLookup(name)
		}
		if flag == nil && (name == "help" || name == "version" || name == "h") {
			own, args = append(own, arg), args[1:]
			continue
		}
		takesValue, isGo := gobuild.IsFlag(arg)
		switch {
		case flag != nil:
			if len(name) > 1 {
				arg = "--" + strings.TrimLeft(arg, "-")
			}
			takesValue = flag.NoOptDefVal == ""
		case !isGo:
			return append(own, arg), goFlags, nil, nil // the flag parser reports the error
		}
		taken := args[:1]
		if takesValue && !hasValue {
			if len(args) < 2 {
				return own, goFlags, nil, Usage(&NeedsValue{arg, flag}, "hotreload --help lists the flags")
			}
			taken = args[:2]
		}
		if flag != nil {
			own = append(append(own, arg), taken[1:]...)
		} else {
			goFlags = append(goFlags, taken...)
		}
		args = args[len(taken):]
	}
	return own, goFlags, nil, nil
}

// NeedsValue is an error about a flag without its value.
type NeedsValue struct {
	Arg  string      // as written by the user
	Flag *pflag.Flag // nil for a build flag of Go
}

func (e *NeedsValue) Error() string { return fmt.Sprintf("flag %s needs a value", e.Arg) }
