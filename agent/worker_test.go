package agent_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"hotreload/agent"
)

// TestAgentAddsNoPackage: the agent imports only packages that package net (or net/http) brings into the program.
func TestAgentAddsNoPackage(t *testing.T) {
	list := func(format, pkg string) []string {
		t.Helper()
		out, err := combinedOutput(exec.Command("go", "list", "-deps", "-f", format, pkg))
		if err != nil {
			t.Fatal(err, out)
		}
		return strings.Fields(out)
	}
	for linked, program := range map[string]string{"hooks": "net", "webhooks": "net/http"} {
		there := append(list("{{.ImportPath}}", program), "unsafe")
		for _, path := range list("{{.ImportPath}}", "hotreload/agent/"+linked) {
			if !strings.HasPrefix(path, agent.ImportRoot) && !slices.Contains(there, path) {
				t.Errorf("%s brings %s into programs that use %s", linked, path, program)
			}
		}
	}
}

func TestSourcesHasWhatIsLinked(t *testing.T) {
	for _, packages := range [][]string{agent.Plain, agent.Web} {
		seen := map[string]bool{}
		for _, source := range agent.Sources(packages) {
			seen[source.Package] = true
			if strings.HasSuffix(source.Name, "_test.go") || !strings.Contains(source.Text, "package "+source.Package+"\n") {
				t.Errorf("%s/%s is no source of the package", source.Package, source.Name)
			}
		}
		if len(seen) != len(packages) {
			t.Errorf("have %v, want all of %v", seen, packages)
		}
	}
}
