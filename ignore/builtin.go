package ignore

import (
	_ "embed"
	"sync"
)

//go:embed builtin.reloadignore
var builtinText string

// builtin returns the built-in rules. They are about names alone, so it does not matter in which folder they are.
var builtin = sync.OnceValue(func() rules {
	rs, _ := parseFile(builtinText, "built-in", layerBuiltin) // a test sees to it that there is no error
	return rs
})
