package settings

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"

	"hotreload/runner"
)

// object is a JSON object.
type object = map[string]any

var (
	ofString  = object{"type": "string"}
	ofStrings = object{"type": "array", "items": ofString}
)

// Texts that have a form: what time.ParseDuration reads, without a sign, and what Size reads.
const (
	amount    = `([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)`
	durations = `^(0|` + amount + `(` + amount + `)*)$`
	sizes     = `^ *[0-9]+(\.[0-9]+)? *[kKmMgGtT]? *[iI]?([bB]([yY][tT][eE][sS])?)? *$`
)

func either(schemas ...object) object { return object{"anyOf": schemas} }

// Schema returns the JSON Schema (draft 7) of hotreload.toml, for editors. The schema refuses no file that this package
// accepts; it knows no combinations of keys but those of package, command and [[service]].
func Schema() []byte {
	top := tableSchema(InFile)
	top["$schema"] = "http://json-schema.org/draft-07/schema#"
	top["title"] = FileName
	top["description"] = "Settings of hotreload. No file is needed."
	top["not"] = object{"required": []string{Package.Key(), Services.Key()}}
	text, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		panic(err) // only strings, numbers, lists and objects
	}
	return append(text, '\n')
}

// tableSchema is the schema of one table of the file.
func tableSchema(place Where) object {
	properties := object{}
	for _, s := range KeysIn(place) {
		properties[s.Key()] = s.schema()
	}
	table := object{"type": "object", "properties": properties, "additionalProperties": false}
	switch place {
	case InService:
		table["required"] = []string{Name.Key()}
		table["oneOf"] = []object{{"required": []string{Package.Key()}}, {"required": []string{Command.Key()}}}
	case InRule:
		table["anyOf"] = []object{{"required": []string{RuleClass.Key()}}, {"required": []string{Run.Key()}}}
	}
	return table
}

// linked is a link of the reference, whose text remains.
var linked = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// schema is the schema of one key.
func (s *Setting) schema() object {
	schema := object{"description": linked.ReplaceAllString(s.Doc, "$1")}
	described := s.kind.schema
	words := object{"enum": s.Words}
	pattern := object{"type": "string", "pattern": s.Pattern}
	switch {
	case s.kind.single:
		described = tableSchema(s.kind.place)
	case s.kind.place != 0:
		described = object{"type": "array", "items": tableSchema(s.kind.place)}
	case s == Hooks.Setting:
		described = hooksSchema()
	case !s.isText():
	case s.Words != nil && s.Pattern != "":
		described = either(words, pattern)
	case s.Words != nil:
		described = words
	case s.Pattern != "":
		described = pattern
	}
	for key, value := range described {
		schema[key] = value
	}
	if standard := s.standard(); standard != nil {
		schema["default"] = standard
	}
	return schema
}

// isText reports whether the values are plain strings.
func (s *Setting) isText() bool {
	return s.kind.schema["type"] == "string" && s.kind.schema["pattern"] == nil
}

// standard returns the default as a value of the file; nil if nothing stands for it.
func (s *Setting) standard() any {
	if !s.Flag() || s.kind.several {
		return nil
	}
	text := NewValues().text(s)
	if s.Words != nil && slices.Contains(s.Words, text) && s.isText() {
		return text
	}
	if truth, err := strconv.ParseBool(text); err == nil && s.kind.schema["type"] == "boolean" {
		return truth
	}
	if number, err := strconv.Atoi(text); err == nil {
		return number
	}
	if s.isText() && text != "" {
		return text
	}
	return nil
}

// hooksSchema is the schema of [hooks].
func hooksSchema() object {
	properties := object{"timeout": object{"type": "string", "pattern": durations}}
	for _, hook := range runner.AllHooks {
		properties[string(hook)] = ofString
	}
	return object{"type": "object", "properties": properties, "additionalProperties": false}
}
