package settings

// Only tells whether the program is only built, and the path of the result; "" means no path.
type Only struct {
	On   bool
	Path string
}

// Type is the name of a value in --help.
func (o *Only) Type() string { return "path" }

// String returns a text from which Set reads the same value.
func (o *Only) String() string {
	switch {
	case o.Path != "":
		return o.Path
	case o.On:
		return "true"
	}
	return ""
}

// Set reads true, false, or a path.
func (o *Only) Set(text string) error {
	switch text {
	case "true":
		*o = Only{On: true}
	case "", "false":
		*o = Only{}
	default:
		*o = Only{On: true, Path: text}
	}
	return nil
}

var onlyKind = kind{
	is:    `true, or a path: "bin/app"`,
	isNot: "neither true nor a path",
	read: func(value any) (any, bool) {
		switch value.(type) {
		case bool, string:
			return value, true
		}
		return nil, false
	},
	schema:  object{"type": []string{"boolean", "string"}},
	path:    true,
	notPath: func(text string) bool { return text == "true" || text == "false" },
}
