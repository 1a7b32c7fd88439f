package settings

import (
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// lines finds the line of each key of a file.
type lines struct {
	parser unstable.Parser
	known  map[string]int
	counts map[string]int // [[name]] -> number of such tables so far
}

// linesOf finds the lines of a text. Invalid TOML gives no lines; the decoder reports the error.
func linesOf(text []byte) map[string]int {
	l := lines{known: map[string]int{}, counts: map[string]int{}}
	l.parser.Reset(text)
	place := ""
	for l.parser.NextExpression() {
		node := l.parser.Expression()
		switch node.Kind {
		case unstable.Table:
			name, line := l.key(node)
			place = l.counted(name)
			l.add(place, line)
			place += "."
		case unstable.ArrayTable:
			name, line := l.key(node)
			l.add(name, line)
			l.counts[name]++
			place = l.counted(name)
			l.add(place, line)
			place += "."
		default:
			l.keyValue(place, node)
		}
	}
	return l.known
}

// keyValue stores the lines of a key and of all keys in its value.
func (l *lines) keyValue(place string, node *unstable.Node) {
	name, line := l.key(node)
	l.add(place+name, line)
	l.value(place+name+".", line, node.Value())
}

func (l *lines) value(place string, line int, node *unstable.Node) {
	n := 0
	switch node.Kind {
	case unstable.InlineTable:
		for children := node.Children(); children.Next(); {
			l.keyValue(place, children.Node())
		}
	case unstable.Array:
		for children := node.Children(); children.Next(); n++ {
			if children.Node().Kind == unstable.InlineTable {
				l.add(place+strconv.Itoa(n), line)
				l.value(place+strconv.Itoa(n)+".", line, children.Node())
			}
		}
	}
}

// key returns the name of a key or a table, and its line.
func (l *lines) key(node *unstable.Node) (name string, line int) {
	var parts []string
	for key := node.Key(); key.Next(); {
		if line == 0 {
			line = l.parser.Shape(key.Node().Raw).Start.Line
		}
		parts = append(parts, string(key.Node().Data))
	}
	return strings.Join(parts, "."), line
}

// counted adds the number of the current [[table]] to a name.
func (l *lines) counted(name string) string {
	outer, inner, _ := strings.Cut(name, ".")
	n, several := l.counts[outer]
	switch {
	case !several:
		return name
	case inner == "":
		return outer + "." + strconv.Itoa(n-1)
	}
	return outer + "." + strconv.Itoa(n-1) + "." + inner
}

func (l *lines) add(name string, line int) {
	if _, there := l.known[name]; !there {
		l.known[name] = line
	}
}
