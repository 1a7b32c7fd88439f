package migrate

import (
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// source tells from which files a generator makes sources. A rule runs the generator when these files change.
var sources = map[string][]string{
	"templ": {"**/*.templ"}, "buf": {"**/*.proto"}, "protoc": {"**/*.proto"}, "swag": {"**/*.go"},
	"gqlgen": {"**/*.graphql", "**/*.graphqls", "gqlgen.yml"}, "wire": {"**/wire.go"}, "postcss": {"**/*.css"},
	"sass": {
		"**/*.scss",
	}, "oapi-codegen": {"**/*.yaml"}, "ogen": {"**/*.yaml"}, "qtc": {"**/*.qtpl"}, "sqlboiler": {"sqlboiler.toml"},
}

// watchers are tools with a watch mode of their own, and its flag. Run once for each save, a watcher would hold up the
// reload by its start.
var watchers = map[string]string{"tailwindcss": "--watch=always", "esbuild": "--watch=forever"}

// generator takes over a command of a known generator; false means: no known generator.
func (l *look) generator(c command, name string, words []string) bool {
	c = l.byNode(c, name)
	watch := slices.ContainsFunc(words, isWatch)
	flag, watches := watchers[name]
	switch {
	case name == "sqlc" && len(words) > 1 && words[1] == "generate":
		l.run = append(l.run, name)
		l.rule(Rule{Match: l.sqlSources(), Run: c.text})
	case name == "mockery" || name == "mockgen" || name == "moq":
		l.needless("doubles for tests are no part of the program")
	case (watches || watch && name != "templ") && !c.fixed:
		l.decide("%s needs a shell; as command = [\"sh\", \"-c\", …] in a [[service]]", c.text)
	case watches:
		l.run = append(l.run, name)
		command := append(slices.DeleteFunc(slices.Clone(c.words), isWatch), flag)
		l.beside(Service{Name: serviceName(name), Command: command})
	case watch && name != "templ" && name != "go":
		l.beside(Service{Name: serviceName(name), Command: c.words})
	case sources[name] != nil && (len(words) > 1 && words[1] == "generate" || name != "templ" && name != "buf"):
		l.run = append(l.run, name)
		l.rule(Rule{Match: sources[name], Run: withoutWatch(c)})
	default:
		return false
	}
	return true
}

// nodePackages tells which packages of npm bring a tool.
var nodePackages = map[string][]string{
	"tailwindcss": {"tailwindcss", "@tailwindcss/cli"}, "esbuild": {"esbuild"}, "sass": {"sass"},
	"postcss": {"postcss-cli"},
}

// byNode puts npx before a tool from a dependency in package.json: the tool is in node_modules/.bin then, and only
// npm's scripts have this folder on the PATH.
func (l *look) byNode(c command, name string) command {
	if len(c.words) == 0 || c.words[0] != name { // with a path or a runner already
		return c
	}
	var file struct {
		Dependencies    map[string]string `json:"dependencies"`
		DevDependencies map[string]string `json:"devDependencies"`
	}
	_ = json.Unmarshal([]byte(text(l.files, "package.json")), &file) // a broken one has none
	for _, bringer := range nodePackages[name] {
		if file.Dependencies[bringer] != "" || file.DevDependencies[bringer] != "" {
			c.words = append([]string{"npx"}, c.words...)
			c.text = "npx " + c.text
			break
		}
	}
	return c
}

// serviceName is a short name for a command.
func serviceName(tool string) string {
	if tool == "tailwindcss" {
		return "tailwind"
	}
	return tool
}

func isWatch(word string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	return strings.HasPrefix(word, "-") && (name == "watch" || name == "w")
}

// withoutWatch is the text of templ generate --watch --proxy=… without the flags that keep it running.
func withoutWatch(c command) string {
	if !slices.ContainsFunc(c.words, isWatch) {
		return c.text
	}
	var words []string
	for i := 0; i < len(c.words); i++ {
		name, _, joined := strings.Cut(strings.TrimLeft(c.words[i], "-"), "=")
		stays := strings.HasPrefix(c.words[i], "-") &&
			slices.Contains([]string{"watch", "w", "proxy", "proxyport", "proxybind",
				"cmd", "open-browser", "v"}, name)
		switch {
		case stays && !joined && slices.Contains([]string{"proxy", "proxyport", "proxybind", "cmd"}, name):
			i++ // the flag's value
		case !stays:
			words = append(words, c.words[i])
		}
	}
	return joined(words)
}

// sqlSources are the files named in sqlc's own file.
func (l *look) sqlSources() []string {
	var config struct {
		SQL      []map[string]any `yaml:"sql"`
		Packages []map[string]any `yaml:"packages"`
	}
	found := []string{}
	for _, name := range []string{"sqlc.yaml", "sqlc.yml", "sqlc.json"} {
		if source := text(l.files, name); source != "" && yaml.Unmarshal([]byte(source), &config) == nil {
			found = append(found, name)
			break
		}
	}
	for _, part := range append(config.SQL, config.Packages...) {
		for _, key := range []string{"queries", "schema"} {
			for _, place := range listOf(part[key]) {
				pattern := path.Clean(place)
				if !strings.HasSuffix(place, ".sql") {
					pattern = path.Join(pattern, "**/*.sql")
				}
				if !slices.Contains(found, pattern) {
					found = append(found, pattern)
				}
			}
		}
	}
	if len(found) < 2 {
		return append(found, "**/*.sql")
	}
	return found
}

// listOf reads a string, or a list of strings.
func listOf(value any) (all []string) {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		for _, one := range value {
			if text, ok := one.(string); ok {
				all = append(all, text)
			}
		}
	}
	return all
}

// generators takes over the generators' own files, for generators without a command line.
func (l *look) generators() {
	found := l.generatorFiles()
	known := func(tool string) bool { return slices.Contains(l.run, tool) }
	if file := found["templ"]; file != "" && !known("templ") {
		l.at(file, "templ")
		l.rule(Rule{Match: sources["templ"], Run: l.tooled("templ") + " generate"})
	}
	if file := found["sqlc"]; file != "" && !known("sqlc") {
		l.at(file, "sqlc")
		l.rule(Rule{Match: l.sqlSources(), Run: l.tooled("sqlc") + " generate"})
	}
	if file := found["buf"]; file != "" && !known("buf") {
		l.at(file, "buf")
		l.rule(Rule{Match: sources["buf"], Run: l.tooled("buf") + " generate"})
	}
	if file := found["tailwind"]; file != "" && !known("tailwindcss") {
		l.at(file, "tailwind")
		l.decide(
			`a [[service]] with command = ["npx", "@tailwindcss/cli", "-i", %s, "-o", "OUTPUT.css", "--watch=always"]`,
			quoted(found["css"]),
		)
	}
	if file := found["swag"]; file != "" && !known("swag") {
		l.at(file, "swag")
		l.decide(
			"a [[rule]] with match = \"**/*.go\", run = \"swag init\" keeps it new; it takes seconds at each save",
		)
	}
}

// generatorFiles are the files by which generators are recognised.
func (l *look) generatorFiles() map[string]string {
	found := map[string]string{"css": "INPUT.css"}
	first := func(tool, file string) {
		if found[tool] == "" || tool == "css" && found[tool] == "INPUT.css" {
			found[tool] = file
		}
	}
	walk(l.files, forever, func(dir string, entries []fs.DirEntry) {
		for _, e := range entries {
			name, file := e.Name(), path.Join(dir, e.Name())
			switch {
			case e.IsDir():
			case strings.HasSuffix(name, ".templ"):
				first("templ", file)
			case name == "sqlc.yaml" || name == "sqlc.yml" || name == "sqlc.json":
				if dir == "." {
					first("sqlc", file)
				}
			case name == "buf.gen.yaml" && dir == ".":
				first("buf", file)
			case strings.HasPrefix(name, "tailwind.config."):
				first("tailwind", file)
			case strings.HasSuffix(name, ".css"):
				css := text(l.files, file)
				if strings.Contains(css, `@import "tailwindcss"`) || strings.Contains(css, `@import 'tailwindcss'`) ||
					strings.Contains(css, "@tailwind base") {
					first("css", file)
					first("tailwind", file)
				}
			case name == "docs.go" && strings.Contains(text(l.files, file), "swaggo/swag"):
				first("swag", file)
			}
		}
	})
	return found
}

// tooled is how a generator is called: by go tool, if go.mod has it as a tool.
func (l *look) tooled(name string) string {
	for line := range strings.Lines(l.gomod) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "tool "))
		if path.Base(versioned.ReplaceAllString(line, "")) == name && !strings.Contains(line, " ") &&
			strings.Contains(line, "/") {
			return "go tool " + name
		}
	}
	return name
}

// loaders are modules with a reader of .env.
var loaders = []string{"github.com/joho/godotenv", "github.com/spf13/viper", "github.com/subosito/gotenv",
	"github.com/ilyakaznacheev/cleanenv", "github.com/knadh/koanf"}

// dotenv adds a row about .env.
func (l *look) dotenv() {
	if !l.exists(".env") || slices.Contains(l.File.List("env_file"), ".env") {
		return
	}
	l.at(".env", "variables")
	for _, loader := range loaders {
		if strings.Contains(l.gomod, loader) {
			l.needless("the program can read it by itself (%s); a change restarts the program", loader)
			return
		}
	}
	l.decide(`env_file = [".env"] gives the variables to the program, if nothing else does`)
}
