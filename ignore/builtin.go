package ignore

import (
	_ "embed"
	"sync"
)

//go:embed builtin.reloadignore
var builtinText string

// builtin returns the built-in rules. These rules match names only, so they are the same in every folder.
var builtin = sync.OnceValue(func() rules {
	rs, _ := parseFile(builtinText, "built-in", layerBuiltin) // a test checks that there is no error
	return rs
})
