package patch

import "testing"

// setProgram has string variables to which the linker's flag -X gives a value.
const setProgram = `
-- main.go --
package main

import (
	"fmt"
	_ "runtime"

	"example/my.info"
)

var bare string
var same = "same text"
var plain = "plain"
var dead, deadToo = "", "default"

func main() { fmt.Println(bare, same, plain, info.Version, "a") }
-- my.info/info.go --
package info

var Version string
`

var setCases = []editCase{
	{"other code", "main.go", []string{`"a")`, `"b", len(bare), same+plain)`}, ""},
	{"another variable", "main.go", []string{`"plain"`, `"other"`}, ""},
	{"a default where there was none", "main.go", []string{"bare string", `bare = "default"`},
		"the linker sets main.bare"},
	{"another default", "main.go", []string{`"same text"`, `"other"`}, "the linker sets main.same"},
	{"a default less", "main.go", []string{`same = "same text"`, `same string`}, "the linker sets main.same"},
	{"a default in a package with a dot", "my.info/info.go", []string{"Version string", `Version = "v"`},
		"the linker sets example/my%2einfo.Version"},
	{"a variable that was dead", "main.go", []string{`"a")`, `dead)`}, "the linker sets main.dead"},
	{"a variable with a default that was dead", "main.go", []string{`"a")`, `deadToo)`}, "the linker sets main.deadToo"},
	{"a new variable", "main.go", []string{"var bare", "var fresh string\nvar bare", `"a")`, `fresh)`},
		"the linker sets main.fresh"},
	{"a variable goes", "main.go", []string{"var bare string", "", "(bare", `("none"`}, ""},
	{"the folder of Go", "main.go", []string{`_ "runtime"`, `"runtime"`, `"a")`, "runtime.GOROOT())"},
		"the linker sets runtime.defaultGOROOT"},
}

// What the linker's flag -X sets keeps its value, or is not patched.
func TestVariablesSetByTheLinker(t *testing.T) {
	s := newSource(t, setProgram)
	s.flags = []string{"-X=main.bare=set", "-X=main.same=same text", "-X=main.dead=set", "-X=main.deadToo=set",
		"-X=main.fresh=set", "-X=example/my.info.Version=set", "-X=none.none=set"}
	editEach(t, s, setCases)
}
