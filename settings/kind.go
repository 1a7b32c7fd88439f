package settings

import (
	"fmt"

	"github.com/spf13/pflag"
)

// kind describes the type of a setting's values.
type kind struct {
	is      string                                 // the type in messages: grace is …
	isNot   string                                 // the negated type in messages: grace = 5 is …
	read    func(value any) (read any, right bool) // converts a value of the file
	flag    func(f *pflag.FlagSet, s *Setting) any // declares the flag and returns the address of its value
	path    bool                                   // the value is a path or a list of paths
	notPath func(text string) bool                 // except for such texts; nil: no exception
	several bool                                   // the value is a list of texts
	ofTexts bool                                   // the value is a table of names and texts
	place   Where                                  // place of the keys in a table or a list of tables; 0 for other types
	single  bool                                   // the value is one table
	schema  object                                 // the JSON Schema of the values; see Schema
}

func textKind(standard string) kind {
	return kind{
		is:     `a string: "…"`,
		isNot:  "not a string",
		read:   is[string],
		schema: ofString,
		flag: func(f *pflag.FlagSet,
			s *Setting) any {
			return f.StringP(s.Name, s.Short, standard, s.Help)
		},
	}
}

func listKind() kind {
	return kind{is: `a list of strings: ["…", "…"]`, isNot: "not a list of strings", read: texts, several: true,
		schema: ofStrings, flag: func(f *pflag.FlagSet, s *Setting) any {
			return f.StringArrayP(s.Name, s.Short, nil, s.Help)
		}}
}

func tablesKind(name string, place Where) kind {
	return kind{is: "a list of tables: [[" + name + "]]", isNot: "not a list of tables", read: tablesOf, place: place}
}

func tableKind(name string, place Where) kind {
	return kind{is: "a table: [" + name + "]", isNot: "not a table", read: tableOf, place: place, single: true}
}

func textTableKind(name string) kind {
	return kind{
		is:      "a table: [" + name + "], whose values are strings",
		isNot:   "not a table of strings",
		read:    textTable,
		ofTexts: true,
		schema:  object{"type": "object", "additionalProperties": ofString},
	}
}

var (
	truthKind = kind{is: "true or false", isNot: "neither true nor false", read: is[bool],
		schema: object{"type": "boolean"}, flag: func(f *pflag.FlagSet, s *Setting) any {
			return f.BoolP(s.Name, s.Short, false, s.Help)
		}}
	numberKind = kind{
		is: "a number", isNot: "not a whole number", read: is[int64],
		schema: object{"type": "integer", "minimum": 0},
	}
	countKind = kind{
		is: `a number, or "auto"`, isNot: "not a number", read: scalar,
		schema: either(object{"type": "integer", "minimum": 1}, object{"enum": []string{"auto"}}),
	}
	sizeKind = kind{
		is: `a string: "256MB"`, isNot: "not a string", read: is[string],
		schema: object{"type": "string", "pattern": sizes},
	}
	expressionKind = kind{
		is:    `a regular expression, or a list of them: ['^(?P<file>.+):(?P<line>\d+) (?P<message>.*)$']`,
		isNot: "neither a string nor a list of strings", read: textOrTexts,
		schema: either(ofString, ofStrings),
	}
	patternKind = kind{
		is:    `a pattern, or a list of patterns: ["*.templ", "assets/**"]`,
		isNot: "neither a string nor a list of strings", read: textOrTexts,
		schema: either(ofString, ofStrings),
	}
)

func is[T any](value any) (any, bool) {
	read, right := value.(T)
	return read, right
}

func scalar(value any) (any, bool) {
	switch value.(type) {
	case []any, map[string]any:
		return nil, false
	}
	return value, true
}

func texts(value any) (any, bool) {
	list, right := listOf[string](value)
	return list, right
}

// textOrTexts accepts a string as a list of one string.
func textOrTexts(value any) (any, bool) {
	if text, one := value.(string); one {
		return []string{text}, true
	}
	return texts(value)
}

func tablesOf(value any) (any, bool) {
	maps, right := listOf[map[string]any](value)
	list := make([]table, len(maps))
	for i, values := range maps {
		list[i].values = values
	}
	return list, right
}

func tableOf(value any) (any, bool) {
	values, right := value.(map[string]any)
	return table{values: values}, right
}

func listOf[T any](value any) ([]T, bool) {
	list, right := value.([]any)
	read := make([]T, len(list))
	for i := range list {
		one, fits := list[i].(T)
		read[i], right = one, right && fits
	}
	return read, right
}

func textTable(value any) (any, bool) {
	table, right := value.(map[string]any)
	read := map[string]string{}
	for name, one := range table {
		text, fits := one.(string)
		read[name], right = text, right && fits
	}
	return read, right
}

// shown formats a value of the file for a message.
func shown(value any) string {
	switch value := value.(type) {
	case string:
		return fmt.Sprintf("%q", value)
	case []any, map[string]any:
		return "…"
	default:
		return fmt.Sprint(value)
	}
}
