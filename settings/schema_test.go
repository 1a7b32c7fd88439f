package settings

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

const schemaFile = "../docs/hotreload.schema.json"

// TestSchemaFile compares the schema with the table of settings. With -update the test writes the schema.
func TestSchemaFile(t *testing.T) {
	fresh := Schema()
	if *update {
		if err := os.WriteFile(schemaFile, fresh, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, fresh) {
		t.Errorf("%s does not say what the table says: go test ./settings -update\n%s", schemaFile,
			difference(string(have), string(fresh)))
	}
}

// document is a configuration file.
type document struct{ name, text string }

// TestSchema: the schema accepts each example of the documentation and of the table, and refuses files that hotreload
// refuses for their form.
func TestSchema(t *testing.T) {
	right := slices.Concat(documented(t), examples(), migrated(t))
	if len(right) < 60 {
		t.Errorf("only %d examples were found", len(right))
	}
	wrong := refused()
	faults := validated(t, append(slices.Clone(right), wrong...))
	for i, d := range right {
		if faults[i] != "" {
			t.Errorf("%s is refused: %s\n%s", d.name, faults[i], d.text)
		}
	}
	for i, d := range wrong {
		if faults[len(right)+i] == "" {
			t.Errorf("%s is accepted:\n%s", d.name, d.text)
		}
	}
	for _, d := range wrong {
		t.Run("", func(t *testing.T) {
			_, err := wishesIn(t, d.text).Resolve(t.Context())
			if err == nil || !strings.Contains(err.Error(), FileName) {
				t.Errorf("%s is accepted by hotreload: %v\n%s", d.name, err, d.text)
			}
		})
	}
}

// documented are the examples in the documentation: blocks in ``` fences, and indented ones that are TOML.
func documented(t *testing.T) (all []document) {
	t.Helper()
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	fenced := regexp.MustCompile("(?s)```toml\n(.*?)```")
	indented := regexp.MustCompile(`(?m)(^    .*\n)(^    .*\n|^\n)*`)
	for _, path := range append(pages, "../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range fenced.FindAllSubmatch(text, -1) {
			all = append(all, document{path, string(block[1])})
		}
		for _, block := range indented.FindAllString(string(text), -1) {
			block = strings.TrimSpace(strings.ReplaceAll("\n"+block, "\n    ", "\n"))
			var values map[string]any
			if toml.Unmarshal([]byte(block), &values) == nil {
				all = append(all, document{path, block})
			}
		}
	}
	return all
}

// migrated are the files that hotreload init proposes in the tests of package migrate.
func migrated(t *testing.T) (all []document) {
	t.Helper()
	cases, err := filepath.Glob("../migrate/testdata/*.txt")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases of package migrate: ", err)
	}
	for _, path := range cases {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, file, _ := strings.Cut(string(text), "-- the hotreload.toml --\n")
		all = append(all, document{path, file})
	}
	return all
}

// examples are the table's, in each place.
func examples() (all []document) {
	service := func(key string) string {
		if key == Command.Key() {
			return ""
		}
		return "package = \".\"\n"
	}
	headers := map[Where]string{InFile: "", InService: "[[service]]\nname = \"a\"\n", InRule: "[[rule]]\n",
		InBrowser: "[browser]\n"}
	for place, header := range headers {
		for _, s := range KeysIn(place) {
			text := header
			if place == InService && s != Package.Setting && s != Name.Setting {
				text += service(s.Key())
			}
			if place == InService && s == Name.Setting {
				text = "[[service]]\npackage = \".\"\n"
			}
			if place == InRule && s != Run.Setting && s != RuleClass.Setting {
				text += "run = \"true\"\n"
			}
			all = append(all, document{"the example of " + s.Key(), text + s.Key() + " = " + s.Example + "\n"})
		}
	}
	for _, text := range []string{
		`workers = "auto"`, `build_only = true`, `ready = "alive"`, `stop_signal = "SIGTERM"`, `grace = "1m30s"`,
		`grace = "0s"`, `max_rss = "1.5 GiB"`, `surge = 1`, "[[rule]]\nmatch = [\"a\", \"b\"]\nclass = \"none\"",
		"[[rule]]\nrun = \"true\"\nwhen = \"start\"", "[hooks]\non_stop = \"true\"\ntimeout = \"1s\"",
	} {
		all = append(all, document{"a valid file", text})
	}
	return all
}

// refused has files with a wrong form.
func refused() (all []document) {
	for _, text := range []string{
		`pakage = "."`,
		`grace = 5`,
		`grace = "5"`,
		`grace = "-1s"`,
		`quiet = "yes"`,
		`workers = 0`,
		`workers = "many"`,
		`workers = 1.5`,
		`strategy = "fast"`,
		`color = "blue"`,
		`build = "make"`,
		`on_exit = "never"`,
		`ready = "soon"`,
		`max_rss = 256`,
		`max_rss = "much"`,
		`listen = ":8080"`,
		`args = "-v"`,
		`env = ["A=b"]`,
		`env = { A = 1 }`,
		`hooks = { on_save = "x" }`,
		"[hooks]\ntimeout = \"soon\"",
		`exec = "sudo"`,
		`surge = -1`,
		`max_requests = "9"`,
		"[[rule]]\nmatch = \"*.x\"",
		"[[rule]]\nmatch = \"*.x\"\nclass = \"hot\"",
		"[[rule]]\nmatch = 1\nclass = \"live\"",
		"[[rule]]\nmatch = \"*.x\"\nrun = \"true\"\nwhen = \"never\"",
		"[[rule]]\nmatch = \"*.x\"\nrun = \"true\"\ntimeout = \"1\"",
		"[[service]]\npackage = \".\"",
		"[[service]]\nname = \"a\"",
		"[[service]]\nname = \"a\"\npackage = \".\"\ncommand = [\"x\"]",
		"[[service]]\nname = \"a\"\npackage = \".\"\nquiet = true",
		"package = \".\"\n[[service]]\nname = \"a\"\npackage = \".\"",
	} {
		all = append(all, document{"a wrong file", text})
	}
	return all
}

// validated asks a validator what is wrong with each document; "" for nothing.
func validated(t *testing.T, documents []document) (faults []string) {
	t.Helper()
	in := object{"schema": json.RawMessage(Schema())}
	var values []any
	for _, d := range documents {
		var value map[string]any
		if err := toml.Unmarshal([]byte(d.text), &value); err != nil {
			t.Fatalf("%s: %v\n%s", d.name, err, d.text)
		}
		values = append(values, value)
	}
	in["documents"] = values
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	validator := exec.Command("go", "run", ".")
	validator.Dir, validator.Stdin = "../testdata/schema", bytes.NewReader(text)
	var stderr bytes.Buffer
	validator.Stderr = &stderr
	out, err := validator.Output()
	if err != nil {
		t.Fatalf("the validator: %v\n%s", err, stderr.Bytes())
	}
	if err := json.Unmarshal(out, &faults); err != nil || len(faults) != len(documents) {
		t.Fatalf("%v: %d answers for %d documents\n%s", err, len(faults), len(documents), out)
	}
	return faults
}
