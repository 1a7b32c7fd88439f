package e2e

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

//go:embed testdata/vscode.txt
var vscode string

// replay is a script of an editor's messages, as testdata/vscode.txt explains it.
type replay struct {
	*debugSession
	names   map[string]string // $NAME -> value
	open    map[string][]int  // requests without an answer, by command
	request <-chan string     // requests of a client: the answer will arrive here
}

func (r *replay) step(line string) {
	r.t.Helper()
	r.names["LINE"] = strconv.Itoa(lineOf(r.t, r.file, "IN REQUEST"))
	for name, value := range r.names {
		line = strings.ReplaceAll(line, "$"+name, value)
	}
	kind, rest, _ := strings.Cut(line, " ")
	word, rest, _ := strings.Cut(rest, " ")
	switch kind {
	case ">":
		r.open[word] = append(r.open[word], r.e.send(word, json.RawMessage(rest)))
	case "<", "-":
		a := r.e.answer(r.open[word][0])
		r.open[word] = r.open[word][1:]
		if !a.Success || !strings.Contains(string(a.Body), rest) {
			r.t.Fatalf("%s: have %s %s, want %s", word, a.Message, a.Body, rest)
		}
		if kind == "<" {
			r.learn(word, a.Body)
		}
	case "=":
		r.learn(word, r.e.event(word).Body)
	case "!":
		r.deed(word, rest)
	default:
		r.t.Fatalf("the script has %q", line)
	}
}

// learn stores values for later steps.
func (r *replay) learn(from string, text json.RawMessage) {
	var body struct {
		ThreadID    int
		StackFrames []struct{ ID, Line int }
		Scopes      []struct{ VariablesReference int }
	}
	_ = json.Unmarshal(text, &body)
	switch {
	case from == "stopped":
		r.names["THREAD"] = strconv.Itoa(body.ThreadID)
	case from == "stackTrace" && len(body.StackFrames) > 0:
		r.names["FRAME"] = strconv.Itoa(body.StackFrames[0].ID)
		if have := strconv.Itoa(body.StackFrames[0].Line); have != r.names["LINE"] {
			r.t.Errorf("the program stands in line %s, want %s", have, r.names["LINE"])
		}
	case from == "scopes" && len(body.Scopes) > 0:
		r.names["SCOPE"] = strconv.Itoa(body.Scopes[0].VariablesReference)
	}
}

func (r *replay) deed(word, rest string) {
	r.t.Helper()
	switch word {
	case "serves":
		r.waitFor(fmt.Sprintf(`generation %s serves`, rest))
	case "request":
		r.request = r.debugSession.request("/")
	case "answered":
		if have := <-r.request; have != rest {
			r.t.Errorf("have %q, want %q", have, rest)
		}
	case "save":
		r.edit(3, rest)
	default:
		r.t.Fatalf("the script has %q", word)
	}
}

// TestDebuggerHearsVSCode replays the messages of VS Code, word by word and in order. Each request must succeed; a
// request of VS Code refused by dlv would show here.
func TestDebuggerHearsVSCode(t *testing.T) {
	d := startDebugged(t)
	d.e = dialEditor(t, d.address, true)
	r := &replay{debugSession: d, names: map[string]string{"FILE": d.file}, open: map[string][]int{}}
	for i, line := range strings.Split(vscode, "\n") {
		if line != "" && !strings.HasPrefix(line, "#") {
			r.step(line)
			if t.Failed() {
				t.Fatalf("in line %d of the script: %s", i+1, line)
			}
		}
	}
}
