package linked_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"hotreload/worker/linked"
)

// TestAgentAddsNoPackage: what the agent imports, package net (or net/http) has in the program already.
func TestAgentAddsNoPackage(t *testing.T) {
	list := func(format, pkg string) []string {
		t.Helper()
		out, err := combinedOutput(exec.Command("go", "list", "-deps", "-f", format, pkg))
		if err != nil {
			t.Fatal(err, out)
		}
		return strings.Fields(out)
	}
	for agent, program := range map[string]string{"hooks": "net", "webhooks": "net/http"} {
		there := append(list("{{.ImportPath}}", program), "unsafe")
		for _, path := range list("{{.ImportPath}}", "hotreload/worker/linked/"+agent) {
			if !strings.HasPrefix(path, linked.ImportRoot) && !slices.Contains(there, path) {
				t.Errorf("%s brings %s into programs that use %s", agent, path, program)
			}
		}
	}
}

func TestSourcesHasWhatIsLinked(t *testing.T) {
	for _, packages := range [][]string{linked.Plain, linked.Web} {
		seen := map[string]bool{}
		for _, source := range linked.Sources(packages) {
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
