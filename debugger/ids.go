package debugger

import "encoding/json"

// ids translates the numbers of one backend: frames, variables, breakpoints, targets of jumps. The editor gets numbers
// of its own, never used twice in a session. When another backend takes over, all earlier numbers become invalid, so no
// number can reach the memory of another generation.
type ids struct {
	last    int // given to the editor
	outward map[id]int
	inward  map[int]id
	places  map[string]bool // addresses in memory, known to the editor: text, passed on without translation
}

// id is a number of the current backend. Each kind has its own numbers.
type id struct {
	kind   string
	number int
}

func (t *ids) clear() {
	t.outward, t.inward, t.places = map[id]int{}, map[int]id{}, map[string]bool{}
}

// kinds maps the names of fields with such numbers to the kinds of the numbers. In all these fields, zero means none.
var kinds = map[string]string{
	"frameId": "frame", "variablesReference": "variables", "breakpointId": "breakpoint", "targetId": "target",
	"locationReference": "location", "valueLocationReference": "location", "declarationLocationReference": "location",
}

// lists are the names of lists and objects whose elements have a number named id.
var lists = map[string]string{
	"stackFrames": "frame", "breakpoints": "breakpoint", "breakpoint": "breakpoint", "targets": "target",
}

// addresses are the names of fields with an address in memory.
var addresses = map[string]bool{
	"memoryReference": true, "instructionPointerReference": true, "instructionReference": true, "address": true,
}

// toEditor translates a body of the backend's.
func (t *ids) toEditor(body json.RawMessage) json.RawMessage {
	if len(body) == 0 || body[0] != '{' {
		return body
	}
	return raw(t.outwardIn(object(body), ""))
}

func (t *ids) outwardIn(v any, under string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			kind := kinds[name]
			if name == "id" {
				kind = lists[under]
			}
			if n, ok := number(value); ok && n != 0 && kind != "" {
				v[name] = t.given(id{kind, n})
				continue
			}
			if text, ok := value.(string); ok && addresses[name] {
				t.places[text] = true
			}
			if all, ok := value.([]any); ok && name == "hitBreakpointIds" {
				for i := range all {
					if n, ok := number(all[i]); ok && n != 0 {
						all[i] = t.given(id{"breakpoint", n})
					}
				}
				continue
			}
			v[name] = t.outwardIn(value, name)
		}
	case []any:
		for i := range v {
			v[i] = t.outwardIn(v[i], under)
		}
	}
	return v
}

func (t *ids) given(of id) int {
	if n, known := t.outward[of]; known {
		return n
	}
	t.last++
	t.outward[of], t.inward[t.last] = t.last, of
	return t.last
}

// toBackend translates the arguments of a request. It returns false if a number belongs to an older generation.
func (t *ids) toBackend(arguments json.RawMessage) (json.RawMessage, bool) {
	if len(arguments) == 0 || arguments[0] != '{' {
		return arguments, true
	}
	o := object(arguments)
	for name, value := range o {
		if text, ok := value.(string); ok && addresses[name] && !t.places[text] {
			return nil, false
		}
		n, ok := number(value)
		if kind := kinds[name]; !ok || n == 0 || kind == "" {
			continue
		} else if of, known := t.inward[n]; known && of.kind == kind {
			o[name] = of.number
		} else {
			return nil, false
		}
	}
	return raw(o), true
}

// presentPlaces leaves out breakpoints on instructions with addresses of an older generation.
func (t *ids) presentPlaces(arguments json.RawMessage) json.RawMessage {
	o := object(arguments)
	var present []any
	all, _ := o["breakpoints"].([]any)
	for _, one := range all {
		if b, ok := one.(map[string]any); ok {
			if text, ok := b["instructionReference"].(string); ok && t.places[text] {
				present = append(present, one)
			}
		}
	}
	o["breakpoints"] = append([]any{}, present...)
	return raw(o)
}
