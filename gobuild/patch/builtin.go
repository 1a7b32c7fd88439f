package patch

import (
	"strconv"
	"strings"
)

// The compiler refers to some functions of the runtime by a number: the line in cmd/internal/goobj/builtinlist.go. Each
// version of Go has its own list, a file here. A list that does not fit would give one symbol two addresses, so no base
// would verify.

// builtinIDs returns the symbols that the numbers mean.
func (p *program) builtinIDs(list string) []id {
	var ids []id
	for line := range strings.Lines(list) {
		name, abi, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, _ := strconv.Atoi(abi)
		ids = append(ids, p.mentioned(name, n&1))
	}
	return ids
}

func (p *program) builtin(n uint32) id { return p.builtins[n] }
