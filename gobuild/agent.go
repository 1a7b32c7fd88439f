package gobuild

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"hotreload/agent"
)

// Agent makes `go build` link the agent into a program: an overlay, which adds files outside the user's tree, and
// linker flags. The files are in a folder of the caller, and must stay as long as builds run. An Agent never changes; a
// new graph may need a new Agent.
type Agent struct {
	Web bool // with the part for net/http

	overlay   string // the JSON file for -overlay
	unchecked bool   // the linker needs -checklinkname=0
}

// agentFolder is the virtual folder of the agent's packages, in the module of the main package: no other package
// imports them there, and no real folder has this name.
var agentFolder = filepath.Join("internal", "hotreload_agent")

// agentFile is the virtual file in the main package. Its name sorts last, and contains no name of a system.
const agentFile = "zz_hotreload_agent_linked.go"

// agentOnce is a program's agent for one graph, or the reason for no agent.
type agentOnce struct {
	graph  *Graph
	agent  *Agent
	reason string
}

// agentOf returns the agent for a program, or the reason for no agent. Each graph needs the answer once.
func (b *Builder) agentOf(p Program, g *Graph) (*Agent, string, error) {
	if p.Plain {
		return nil, "", nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if fault := b.faults[faultKey(p, g)]; fault != "" {
		return nil, fault, nil
	}
	program := p.key()
	once := b.agents[program]
	if once != nil && once.graph == g && once.agent.there() {
		return once.agent, once.reason, nil
	}
	dir := filepath.Join(b.run.dir, "agent", strconv.FormatInt(b.serial.Add(1), 10))
	agent, reason, err := NewAgent(g, dir)
	if err != nil {
		return nil, "", err
	}
	if once != nil && agent.like(once.agent) { // then the build keeps its flags, and may be fast
		_ = os.RemoveAll(dir)
		agent = once.agent
	}
	b.agents[program] = &agentOnce{g, agent, reason}
	return agent, reason, nil
}

// like reports whether two agents differ only in their folder.
func (a *Agent) like(other *Agent) bool {
	if a == nil || other == nil || !other.there() {
		return false
	}
	mine, err := os.ReadFile(a.overlay)
	theirs, err2 := os.ReadFile(other.overlay)
	moved := strings.ReplaceAll(string(mine), filepath.Dir(a.overlay), filepath.Dir(other.overlay))
	return err == nil && err2 == nil && moved == string(theirs) && a.Web == other.Web && a.unchecked == other.unchecked
}

// there reports whether the agent's files still exist; a user may empty the cache folder.
func (a *Agent) there() bool {
	if a == nil {
		return true
	}
	_, err := os.Stat(a.overlay)
	return err == nil
}

// agentFailed records that this version of Go cannot build a program with the agent.
func (b *Builder) agentFailed(p Program, g *Graph, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults[faultKey(p, g)] = why
}

func faultKey(p Program, g *Graph) string { return p.key() + " " + g.GoVersion }

// NoNet is the one unreported reason for no agent: such a program has no connections to lose.
const NoNet = "the program does not use package net"

// NewAgent writes the agent for a program into dir, and creates dir. If there can be no agent, reason tells why, in a
// clause without a full stop, and the program is built without the agent. An error concerns writing the files.
func NewAgent(g *Graph, dir string) (a *Agent, reason string, err error) {
	if reason := g.noAgent(); reason != "" {
		return nil, reason, nil
	}
	module, reason := g.agentModule()
	if reason != "" {
		return nil, reason, nil
	}
	replace, err := userOverlay(g)
	if err != nil {
		return nil, "the build's own -overlay cannot be read: " + err.Error(), nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("write the agent: %w", err)
	}
	a = &Agent{
		Web:       g.Links("net/http"),
		overlay:   filepath.Join(dir, "overlay.json"),
		unchecked: checksLinknames(g.GoVersion),
	}
	packages := agent.Plain
	if a.Web {
		packages = agent.Web
	}
	root := module.Path + "/" + filepath.ToSlash(agentFolder) + "/"
	add := func(seems, name, text string) error {
		path := filepath.Join(dir, name)
		replace[seems] = path
		return os.WriteFile(path, []byte(text), 0o600)
	}
	for _, source := range agent.Sources(packages) {
		seems := filepath.Join(module.Dir, agentFolder, source.Package, source.Name)
		text := strings.ReplaceAll(source.Text, `"`+agent.ImportRoot, `"`+root)
		if err := add(seems, source.Package+"_"+source.Name, text); err != nil {
			return nil, "", fmt.Errorf("write the agent: %w", err)
		}
	}
	text := "package main\n\nimport _ \"" + root + packages[0] + "\" // linked by hotreload\n"
	if err := add(filepath.Join(g.Main.Dir, agentFile), "main.go", text); err != nil {
		return nil, "", fmt.Errorf("write the agent: %w", err)
	}
	content, err := json.Marshal(overlayFile{replace})
	if err == nil {
		err = os.WriteFile(a.overlay, content, 0o600)
	}
	if err != nil {
		return nil, "", fmt.Errorf("write the agent: %w", err)
	}
	return a, "", nil
}

// Flags returns build flags, each in one word, with the agent's flags added. goflags are those of GOFLAGS: the result
// includes flags that the command line would otherwise hide.
func (a *Agent) Flags(goflags string, flags []string) []string {
	var out []string
	if a.unchecked {
		const link = "-checklinkname=0"
		given := false
		out = append(out, "-ldflags="+link)
		var rest []string
		for _, word := range flags {
			if name, list, joined := cutFlag(word); name == "ldflags" && joined {
				given, word = true, "-ldflags="+prepend(link, list)
			}
			rest = append(rest, word)
		}
		for _, f := range fromGOFLAGS(goflags) {
			if f.name == "ldflags" && !given {
				out = append(out, "-ldflags="+prepend(link, f.value))
			}
		}
		flags = rest
	}
	out = append(out, flags...)
	return append(out, "-overlay="+a.overlay) // the last one counts, and contains the user's
}

// Args returns the arguments of go build: a program given as .go files gets one more file.
func (a *Agent) Args(args []string) []string {
	if (Program{Args: args}).ofFiles() { // in one folder, because go would take files of two folders for two packages
		return append(append([]string{}, args...), filepath.Join(filepath.Dir(args[0]), agentFile))
	}
	return args
}

// agentFault matches errors of compiler and linker caused by the agent. After the compiler's line with the name of an
// agent package, the errors follow, one per line, in files whose folder tells nothing.
var agentFault = regexp.MustCompile(`(?m)^(?:# (.*hotreload_agent.*)\n[ \t]*(?:[^ \t\n:]*/)?([^#\n].*)` +
	`|.*(?:hotreload_agent|checklinkname|reference to (?:net|net/http|internal/poll)\.).*)`)

// AgentFault finds the line of a failed build that blames the agent; "" if the program itself is at fault. If the agent
// is at fault, build without it.
func AgentFault(text string) string {
	found := agentFault.FindStringSubmatch(text)
	switch {
	case found == nil:
		return ""
	case found[1] != "":
		return found[1] + ": " + strings.TrimSpace(found[2])
	}
	return strings.TrimSpace(found[0])
}

// noAgent returns why a program can have no agent, in any module.
func (g *Graph) noAgent() string {
	env := g.program.env()
	goos := g.settings.GOOS
	switch {
	case !g.Links("net"):
		return NoNet
	case goos != "linux" && goos != "darwin":
		return "there is none for " + goos
	case last(g.settings.GOFLAGS, g.flags, "compiler") == "gccgo":
		return "gccgo cannot link it"
	case getenv(env, "GO111MODULE") == "off" || g.settings.GOMOD == "" && g.Workspace == "":
		return "the main package is in no module"
	}
	return ""
}

// agentModule is the module of the agent's virtual packages: that of the main package, if the build reads it from an
// editable folder.
func (g *Graph) agentModule() (Module, string) {
	m := g.Module
	if g.program.ofFiles() {
		gomod := upwards(g.Main.Dir, "go.mod")
		if gomod == "" || g.Workspace == "" && gomod != g.settings.GOMOD {
			return Module{}, "the main package's files are not in the module that go uses"
		}
		m = Module{Path: modulePath(gomod), Dir: filepath.Dir(gomod)}
	}
	switch {
	case g.Main.Vendored:
		return Module{}, "the main package is in a vendor folder"
	case m.Path == "" || m.Dir == "" || !within(g.Main.Dir, m.Dir):
		return Module{}, "the main package is in no module"
	case within(m.Dir, g.settings.GOMODCACHE) || within(m.Dir, g.settings.GOROOT):
		return Module{}, "the main package is not yours: it is in " + m.Dir
	}
	return m, ""
}

// moduleLine is the first relevant line of a go.mod.
var moduleLine = regexp.MustCompile("(?m)^\\s*module\\s+[\"`]?([^\\s\"`]+)")

func modulePath(gomod string) string {
	text, err := os.ReadFile(gomod)
	if err != nil {
		return ""
	}
	if match := moduleLine.FindSubmatch(text); match != nil {
		return string(match[1])
	}
	return ""
}

// checksLinknames reports whether this Go's linker refuses access to the standard library's variables, as since 1.23,
// and so has a flag to allow it.
func checksLinknames(goVersion string) bool {
	minor := minorOf(goVersion)
	return minor < 0 || minor >= 23
}

type overlayFile struct{ Replace map[string]string }

// userOverlay returns the files of the build's own -overlay, with absolute paths; empty if there is none.
func userOverlay(g *Graph) (map[string]string, error) {
	absolute := map[string]string{}
	file := g.program.abs(last(g.settings.GOFLAGS, g.flags, "overlay"))
	if file == "" {
		return absolute, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var user overlayFile
	if err := json.Unmarshal(content, &user); err != nil {
		return nil, err
	}
	for seems, is := range user.Replace {
		absolute[filepath.Clean(g.program.abs(seems))] = g.program.abs(is) // "" deletes, and stays ""
	}
	return absolute, nil
}
