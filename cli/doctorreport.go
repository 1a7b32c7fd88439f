package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"hotreload/control"
	"hotreload/settings"
)

// report writes the block for a bug report: hotreload's version, system, call and settings, doctor's findings, and the
// state of a running hotreload. Secrets are masked. The result is doctor's.
func report(ctx context.Context, out io.Writer, w *settings.Wishes, note string, args []string) error {
	var found bytes.Buffer
	result := doctor(ctx, &found, w, note)
	hide, file := maskFor(ctx, w)
	var b strings.Builder
	section := func(title, text string) {
		fmt.Fprintf(&b, "\n%s\n%s\n", title, strings.TrimRight(indented(strings.TrimSpace(text)+"\n"), " \n"))
	}
	fmt.Fprintf(&b, "hotreload %s\n", fullVersion())
	section("system", systemFacts())
	section("go", goFacts(ctx, w.Dir))
	section("called as", commandLine(hide.words(append([]string{"hotreload", "doctor"}, args...))))
	if file != "" {
		section(settings.FileName+" (comments and values of variables are left out)", file)
	}
	section("found", escapes.ReplaceAllString(found.String(), ""))
	if running := runningFacts(ctx, w.Dir); running != "" {
		section("running", running)
	}
	// The first line is not masked: a version may look like a key.
	head, rest, _ := strings.Cut(b.String(), "\n")
	_, err := fmt.Fprintf(out, "```text\n%s\n%s```\n", head, hide.text(rest))
	if err != nil {
		return err
	}
	return result
}

// escapes matches the control sequences of colours.
var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// maskFor returns a mask that knows the variables of all services, and the masked text of hotreload.toml.
func maskFor(ctx context.Context, w *settings.Wishes) (hide mask, file string) {
	var values map[string]any
	var envFiles []string
	r, _ := w.Resolve(ctx) // doctor has reported an error
	if r != nil {
		if text, err := os.ReadFile(r.Path); err == nil && toml.Unmarshal(text, &values) != nil {
			file = "is no TOML"
		}
		for _, s := range r.Services {
			envFiles = append(envFiles, s.Config.EnvFiles...)
		}
	}
	hide = newMask(os.Environ(), envFiles, variablesIn(values)...)
	if len(values) > 0 {
		if text, err := toml.Marshal(hide.value("", values)); err == nil {
			file = string(text)
		}
	}
	return hide, file
}

// variablesIn returns the tables of variables in hotreload.toml.
func variablesIn(values map[string]any) (all []map[string]string) {
	for key, value := range values {
		switch value := value.(type) {
		case map[string]any:
			if key != "env" && key != "build_env" {
				continue
			}
			table := map[string]string{}
			for name, one := range value {
				table[name] = fmt.Sprint(one)
			}
			all = append(all, table)
		case []any:
			for _, one := range value {
				if table, ok := one.(map[string]any); ok {
					all = append(all, variablesIn(table)...)
				}
			}
		}
	}
	return all
}

// systemFacts tells about the system; unknown facts are left out.
func systemFacts() string {
	facts := []string{fmt.Sprintf("%s/%s, %s", runtime.GOOS, runtime.GOARCH, count(runtime.NumCPU(), "processor"))}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		facts = append(facts, "kernel "+strings.TrimSpace(string(kernel)))
	}
	if release, err := os.ReadFile("/etc/os-release"); err == nil {
		if _, name, found := strings.Cut(string(release), "PRETTY_NAME="); found {
			name, _, _ = strings.Cut(name, "\n")
			facts = append(facts, strings.Trim(name, `"`))
		}
	}
	for _, path := range []string{"/.dockerenv", "/run/.containerenv"} {
		if exists(path) {
			facts = append(facts, "in a container")
		}
	}
	terminals := fmt.Sprintf("terminals: stdin %t, stdout %t, stderr %t; TERM=%s", isTerminal(os.Stdin),
		isTerminal(os.Stdout), isTerminal(os.Stderr), os.Getenv("TERM"))
	return strings.Join(facts, "; ") + "\n" + terminals
}

// goFacts tells which go builds here, with its settings. Unset ones are left out.
func goFacts(ctx context.Context, dir string) string {
	ctx, cancel := context.WithTimeout(ctx, goTime)
	defer cancel()
	names := []string{"GOVERSION", "GOTOOLCHAIN", "GOFLAGS", "GOOS", "GOARCH", "CGO_ENABLED", "GOEXPERIMENT", "GOPROXY",
		"GOMOD", "GOWORK"}
	command := exec.CommandContext(ctx, "go", append([]string{"env"}, names...)...)
	command.Dir = dir
	out, err := command.Output()
	if err != nil {
		return "go env: " + err.Error()
	}
	var facts []string
	for i, value := range strings.Split(strings.TrimRight(string(out), "\n"), "\n") {
		if value != "" && i < len(names) {
			facts = append(facts, names[i]+"="+value)
		}
	}
	return strings.Join(facts, "\n")
}

// goTime is longer than go env takes on a busy machine.
const goTime = 10 * time.Second

// runningFacts tells the state of a running hotreload, from its own answer.
func runningFacts(ctx context.Context, dir string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	client, err := control.Find(ctx, dir, 0)
	if err != nil {
		return ""
	}
	states, err := client.Status(ctx, "")
	if err != nil {
		return ""
	}
	var lines []string
	for _, s := range states {
		line := fmt.Sprintf("%s %s: generation %d serves, %d is the newest; %s, strategy %s; %s", s.Name, s.Phase,
			s.Serving, s.Newest, count(s.Wanted, "worker"), s.Strategy, s.Built)
		lines = append(lines, strings.TrimSpace(line))
		if s.Failure != "" {
			lines = append(lines, s.Failure)
		}
	}
	return strings.Join(slices.Compact(lines), "\n")
}
