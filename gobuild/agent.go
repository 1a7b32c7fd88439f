package gobuild

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"hotreload/worker/linked"
)

// Agent is what makes `go build` link the agent into a program: an overlay, which adds files that the user's tree does
// not have, and linker flags. The files lie in a folder of the caller's and must stay as long as there are builds. It
// is a value that never changes; a graph that is loaded anew may need a new one.
type Agent struct {
	Web bool // with the part for net/http

	overlay   string // the JSON file for -overlay
	unchecked bool   // the linker has to be told that it is well
}

// agentFolder is where the agent's packages seem to lie, in the module of the main package: nobody else may import
// them there, and nobody has such a folder.
var agentFolder = filepath.Join("internal", "hotreload_agent")

// agentFile is the file that seems to lie in the main package. It comes last, and no part of it is a system's name.
const agentFile = "zz_hotreload_agent_linked.go"

// agentOnce is the agent of a program, or why it has none, as of one graph.
type agentOnce struct {
	graph  *Graph
	agent  *Agent
	reason string
}

// agentOf is the agent to link into a program, or the reason why there is none. It is made once for each graph.
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
	if once != nil && agent.like(once.agent) { // and then the build has the flags that it had before: it may be fast
		_ = os.RemoveAll(dir)
		agent = once.agent
	}
	b.agents[program] = &agentOnce{g, agent, reason}
	return agent, reason, nil
}

// like reports whether two agents are the same but for the folder that they lie in.
func (a *Agent) like(other *Agent) bool {
	if a == nil || other == nil || !other.there() {
		return false
	}
	mine, err := os.ReadFile(a.overlay)
	theirs, err2 := os.ReadFile(other.overlay)
	moved := strings.ReplaceAll(string(mine), filepath.Dir(a.overlay), filepath.Dir(other.overlay))
	return err == nil && err2 == nil && moved == string(theirs) && a.Web == other.Web && a.unchecked == other.unchecked
}

// there reports whether nobody has removed the agent's files, in emptying a cache folder.
func (a *Agent) there() bool {
	if a == nil {
		return true
	}
	_, err := os.Stat(a.overlay)
	return err == nil
}

// agentFailed notes that a program cannot be built with the agent by this version of Go.
func (b *Builder) agentFailed(p Program, g *Graph, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults[faultKey(p, g)] = why
}

func faultKey(p Program, g *Graph) string { return p.key() + " " + g.GoVersion }

// NoNet is the reason for no agent that nobody needs to be told of: such a program has no connections to lose.
const NoNet = "the program does not use package net"

// NewAgent writes the agent for a program into dir, which it makes. If there can be no agent it says why in reason, a
// clause without a full stop, and the program is to be built without; an error is one of writing the files.
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
	packages := linked.Plain
	if a.Web {
		packages = linked.Web
	}
	root := module.Path + "/" + filepath.ToSlash(agentFolder) + "/"
	add := func(seems, name, text string) error {
		path := filepath.Join(dir, name)
		replace[seems] = path
		return os.WriteFile(path, []byte(text), 0o600)
	}
	for _, source := range linked.Sources(packages) {
		seems := filepath.Join(module.Dir, agentFolder, source.Package, source.Name)
		text := strings.ReplaceAll(source.Text, `"`+linked.ImportRoot, `"`+root)
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

// Flags is a list of build flags, each in one word, with what the agent needs. The goflags are those of GOFLAGS: what a
// flag on the command line would hide of them is in the result.
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
	return append(out, "-overlay="+a.overlay) // the last one counts, and it has the user's
}

// Args is what to build, with what the agent needs: a program that is given as .go files gets one more.
func (a *Agent) Args(args []string) []string {
	if (Program{Args: args}).ofFiles() { // all named by the same folder, or go takes them for files of two
		return append(append([]string{}, args...), filepath.Join(filepath.Dir(args[0]), agentFile))
	}
	return args
}

// agentFault is what compiler and linker say when the agent is what they cannot cope with.
var agentFault = regexp.MustCompile(`.*(?:hotreload_agent|checklinkname|reference to (?:net|net/http|internal/poll)\.).*`)

// AgentFault finds in the text of a failed build the line that says that it failed because of the agent; "" if it
// failed for the program's own reasons. Such a program is to be built without the agent.
func AgentFault(text string) string { return strings.TrimSpace(agentFault.FindString(text)) }

// noAgent says why a program can have no agent, whatever module it is in.
func (g *Graph) noAgent() string {
	env := g.program.env()
	goos := getenv(env, "GOOS")
	if goos == "" {
		goos = runtime.GOOS
	}
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

// agentModule is the module that the agent's packages seem to lie in: that of the main package, if the build reads it
// from a folder that may be edited.
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

// moduleLine is the first line of a go.mod that counts.
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

// checksLinknames reports whether this Go's linker refuses to let the standard library's variables be used, as it does
// since 1.23, and so has a flag against it.
func checksLinknames(goVersion string) bool {
	minor := minorOf(goVersion)
	return minor < 0 || minor >= 23
}

type overlayFile struct{ Replace map[string]string }

// userOverlay is what the build's own -overlay replaces, with absolute paths; empty if there is none.
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
