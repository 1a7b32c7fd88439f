//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"

	"hotreload/internal/testmodules"
)

// recipeFile is a file of a recipe: its name in backquotes, a colon, and its content as a block.
var recipeFile = regexp.MustCompile("(?ms)^`([^`\n]+)`:\n\n```\\w+\n(.*?)^```$")

// recipes returns the files of a page in docs/recipes, by their names.
func recipes(t *testing.T, page string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("docs", "recipes", page))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, m := range recipeFile.FindAllStringSubmatch(string(text), -1) {
		files[m[1]] = m[2]
	}
	if blocks := strings.Count(string(text), "\n```") / 2; blocks != len(files) {
		t.Errorf("%s has %d blocks, but %d files: a name in backquotes and a colon are before each", page, blocks, len(files))
	}
	return files
}

// recipeOf returns one file of a page.
func recipeOf(t *testing.T, page, name string) string {
	t.Helper()
	content, there := recipes(t, page)[name]
	if !there {
		t.Fatalf("%s has no file %s", page, name)
	}
	return content
}

// readYAML reads a file of a page into a value, whose type has a field for each key of the file.
func readYAML(t *testing.T, page, name string, into any) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(recipeOf(t, page, name)))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s in %s: %v", name, page, err)
	}
}

// onPath makes a folder for PATH with the test binary as hotreload. Commands need beHotreload.
func onPath(t *testing.T) (dir, path string) {
	t.Helper()
	self, err := filepath.Abs(os.Args[0])
	ensure(t, err)
	dir = t.TempDir()
	ensure(t, os.Symlink(self, filepath.Join(dir, "hotreload")))
	return dir, "PATH=" + dir + ":" + os.Getenv("PATH")
}

// newRecipe makes the module for the recipes: a server in ./cmd/server with the flag -addr.
func newRecipe(t *testing.T, files map[string]string) string {
	t.Helper()
	all := map[string]string{
		"cmd/server/main.go":    strings.ReplaceAll(server, "os.Args[1]", "os.Args[2]"), // after -addr
		"cmd/server/version.go": version("v1", ""),
	}
	maps.Copy(all, files)
	dir := newModule(t, all)
	for _, name := range []string{"main.go", "version.go"} {
		ensure(t, os.Remove(filepath.Join(dir, name)))
	}
	return dir
}

// recipeEnv is the environment of hotreload and of its commands in a recipe.
func recipeEnv(t *testing.T, dir string) []string {
	_, path := onPath(t)
	return []string{path, "XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}
}

// shelled returns a setup that runs a recipe's command line by a shell. Its addresses become {addr}, the argument.
func shelled(line string, env []string) (setup, string) {
	line = strings.ReplaceAll(line, "127.0.0.1:8080", `"$1"`)
	line = strings.ReplaceAll(line, " :8080", ` "$1"`)
	return setup{as: []string{"sh", "-c", line, "sh"}, env: env}, "{addr}"
}

// probes runs the command of a probe in the session's folder, and returns its exit code.
func (s *session) probes(env []string, command ...string) int {
	s.t.Helper()
	probe := exec.Command(command[0], command[1:]...)
	probe.Dir, probe.Env = s.dir, append(os.Environ(), beHotreload+"=1")
	probe.Env = append(probe.Env, env...)
	probe.Path = lookPath(env, command[0])
	out, err := probe.CombinedOutput()
	if probe.ProcessState == nil {
		s.t.Fatalf("%v: %v\n%s", command, err, out)
	}
	s.t.Logf("%v: exit code %d\n%s", command, probe.ProcessState.ExitCode(), out)
	return probe.ProcessState.ExitCode()
}

// becomesReady runs a probe until it tells yes, as starters do: on a busy machine an answer may come too late.
func (s *session) becomesReady(env []string, command ...string) {
	s.t.Helper()
	s.eventually("the probe's exit code is 0", func() bool { return s.probes(env, command...) == 0 })
}

// lookPath finds a program by the PATH of an environment.
func lookPath(env []string, name string) string {
	for _, entry := range env {
		if list, is := strings.CutPrefix(entry, "PATH="); is {
			for _, dir := range filepath.SplitList(list) {
				if path := filepath.Join(dir, name); isThere(path) {
					return path
				}
			}
		}
	}
	return name
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestRecipesAreRead: a library parses each file of each recipe. Other tests run recipes where possible.
func TestRecipesAreRead(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("docs/recipes/*.md")
	ensure(t, err)
	elsewhere := []string{ // the test that runs this recipe
		"Makefile",                                                                      // TestMakeRecipe
		".devcontainer/hotreload/install.sh",                                            // TestFeatureRecipe
		"Dockerfile.dev",                                                                // TestComposeRecipe
		"~/.config/systemd/user/server.socket", "~/.config/systemd/user/server.service", // TestSystemdRecipe
		"hotreload.toml",                                                   // TestComposeRecipe, TestMirrordRecipe
		"compose.yaml", "compose.watch.yaml", "Tiltfile", "Tiltfile.local", // TestRecipesByTheirTools
	}
	read := 0
	for _, page := range pages {
		page = filepath.Base(page)
		for name, content := range recipes(t, page) {
			var value map[string]any
			var err error
			switch {
			case filepath.Ext(name) == ".json":
				err = json.Unmarshal([]byte(content), &value)
			case slices.Contains(elsewhere, name):
				value = map[string]any{"": nil}
			case filepath.Ext(name) == ".yaml":
				err = yaml.Unmarshal([]byte(content), &value)
			default:
				err = fmt.Errorf("no test reads it")
			}
			if err != nil || len(value) == 0 {
				t.Errorf("%s in %s: %v, %v", name, page, err, value)
			}
			read++
		}
	}
	if read < 15 {
		t.Errorf("%d files were read, want more", read)
	}
}

// TestRecipesByTheirTools: Compose's own library reads the Compose files, and an interpreter runs the Tiltfiles. The
// other recipes have the commands named there.
func TestRecipesByTheirTools(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	reader := exec.Command("go", "run", ".")
	for page, names := range map[string][]string{
		"containers.md": {"compose.yaml", "compose.watch.yaml"}, "kubernetes.md": {"Tiltfile", "Tiltfile.local"},
	} {
		for _, name := range names {
			save(t, filepath.Join(dir, name), recipeOf(t, page, name))
			reader.Args = append(reader.Args, filepath.Join(dir, name))
		}
	}
	reader.Dir = "testdata/recipes"
	out, err := reader.CombinedOutput()
	testmodules.Require(t, err, string(out))
	file := recipeOf(t, "containers.md", "Dockerfile.dev")
	for _, m := range regexp.MustCompile(`target[ =](\w+)`).FindAllStringSubmatch(string(out), -1) {
		if m[1] != "/src" && !strings.Contains(file, " AS "+m[1]+"\n") {
			t.Errorf("Dockerfile.dev has no stage %s", m[1])
		}
	}
	for _, want := range []string{
		"service server target mounted contexts 1", "service server target synced contexts 1",
		"volume volume modules /go/pkg/mod", "volume volume caches /root/.cache", "watch sync /src",
		`--target synced --build-context hotreload=`, `sync local_path="." remote_path="/src"`,
		`exec_action command=["hotreload", "status", "--ready"]`, "serve_cmd=\"exec hotreload ./cmd/server",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the recipes' tools did not read %q in:\n%s", want, out)
		}
	}
}

// TestMakeRecipe: make dev starts hotreload, which follows saves. SIGTERM to make ends both.
func TestMakeRecipe(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("this test runs make: ", err)
	}
	file := strings.ReplaceAll(recipeOf(t, "starters.md", "Makefile"), "127.0.0.1:8080", "$(ADDR)")
	dir := newRecipe(t, map[string]string{"Makefile": file})
	s := setup{as: []string{"make"}, env: recipeEnv(t, dir)}.start(t, dir, "dev", "ADDR={addr}")
	s.serves("v1")
	s.save("cmd/server/version.go", version("v2", ""))
	s.serves("v2")
	pid := s.pid()
	s.signal(syscall.SIGTERM)
	s.exit()
	s.eventually("no worker is left", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
}

// TestProcessComposeRecipe: sh -c runs the commands, as in process-compose.
func TestProcessComposeRecipe(t *testing.T) {
	t.Parallel()
	var file struct {
		Version   string
		Processes map[string]struct {
			Command string
			TTY     bool `yaml:"is_tty"`
			Ready   struct {
				Exec     struct{ Command string }
				Period   int `yaml:"period_seconds"`
				Timeout  int `yaml:"timeout_seconds"`
				Failures int `yaml:"failure_threshold"`
			} `yaml:"readiness_probe"`
			Shutdown struct {
				Signal  int
				Timeout int `yaml:"timeout_seconds"`
			}
		}
	}
	readYAML(t, "starters.md", "process-compose.yaml", &file)
	recipe := file.Processes["server"]
	dir := newRecipe(t, nil)
	env := recipeEnv(t, dir)
	u, arg := shelled(recipe.Command, env)
	s := u.start(t, dir, arg)
	s.waitFor(`generation 1 serves`)
	s.becomesReady(env, "sh", "-c", recipe.Ready.Exec.Command)
	s.signal(syscall.Signal(recipe.Shutdown.Signal))
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if code := s.probes(env, "sh", "-c", recipe.Ready.Exec.Command); code == 0 {
		t.Errorf("the probe's exit code is 0 although no hotreload runs")
	}
}

// TestMirrordRecipe: the settings make each worker run through mirrord, here a script that takes the same words.
func TestMirrordRecipe(t *testing.T) {
	t.Parallel()
	const standIn = `#!/bin/sh
[ "$1 $2 $3 $4" = "exec -f .mirrord/mirrord.json --" ] && [ -f "$3" ] || { echo "unexpected: $*"; exit 1; }
shift 4
echo "mirrord runs a worker"
exec "$@"
`
	dir := newRecipe(t, map[string]string{
		"mirrord":               standIn,
		".mirrord/mirrord.json": recipeOf(t, "kubernetes.md", ".mirrord/mirrord.json"),
	})
	ensure(t, os.Chmod(filepath.Join(dir, "mirrord"), 0o777))
	settings := recipeOf(t, "kubernetes.md", "hotreload.toml")
	address := freeAddr(t)
	save(t, filepath.Join(dir, "hotreload.toml"), strings.ReplaceAll(settings, ":8080", address))
	s := setup{env: []string{"PATH=" + dir + ":" + os.Getenv("PATH")}}.start(t, dir)
	s.addr = address
	s.waitFor(`mirrord runs a worker`)
	s.serves("v1")
	s.save("cmd/server/version.go", version("v2", ""))
	s.waitFor(`mirrord runs a worker`)
	s.serves("v2")
}

// TestFeatureRecipe: install.sh of the development container installs hotreload and its completions.
func TestFeatureRecipe(t *testing.T) {
	t.Parallel()
	notShort(t)
	if runtime.GOOS != "linux" {
		t.Skip("containers run Linux")
	}
	page := recipes(t, "containers.md")
	var container struct {
		Features map[string]any `json:"features"`
	}
	ensure(t, json.Unmarshal([]byte(page[".devcontainer/devcontainer.json"]), &container))
	dir := t.TempDir()
	for name := range container.Features {
		feature := filepath.Join(".devcontainer", name)
		var described struct{ ID string }
		ensure(t, json.Unmarshal([]byte(page[feature+"/devcontainer-feature.json"]), &described))
		if described.ID != filepath.Base(feature) {
			t.Errorf("the feature in %s has the id %s", feature, described.ID)
		}
		save(t, filepath.Join(dir, "install.sh"), page[feature+"/install.sh"])
	}
	self, err := filepath.Abs(os.Args[0])
	ensure(t, err)
	ensure(t, os.Symlink(self, filepath.Join(dir, "hotreload")))
	prefix := filepath.Join(dir, "prefix")
	install := exec.Command("sh", filepath.Join(dir, "install.sh"))
	install.Env = append(os.Environ(), "PREFIX="+prefix, beHotreload+"=1")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	completion, err := os.ReadFile(filepath.Join(prefix, "share/bash-completion/completions/hotreload"))
	if err != nil || !strings.Contains(string(completion), "complete -o default") {
		t.Errorf("no completions: %v, %.200s", err, completion)
	}
	version := exec.Command(filepath.Join(prefix, "bin", "hotreload"), "--version")
	version.Env = append(os.Environ(), beHotreload+"=1")
	if out, err := version.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "hotreload ") {
		t.Errorf("the installed hotreload: %v\n%s", err, out)
	}
}
