//go:build unix

package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// matrix measures programs × edits.
type matrix struct {
	on                   bool
	pocketbase, blackbox string // folders; "" leaves the application out
	link                 bool   // hotreload links instead of patching
	edit                 string // only edits whose names contain this
}

// benched is a program with the places of its edits.
type benched struct {
	program
	name       string
	leaf, deep string // files in a package with hardly any importers, and in one with nearly all others as importers
	make       bool   // dir must be written first
	// in package main: a text and its replacement, which adds the routes of http.DefaultServeMux to the program's
	route [2]string
}

func (m *matrix) programs() []benched {
	all := []benched{
		{name: "hello", leaf: "greeting.go", deep: "greeting.go",
			program: program{dir: "testdata/hello", pkg: ".", args: []string{"-addr", "{addr}"}}},
		{name: "service", make: true, leaf: "p36/p36.go", deep: "p0/p0.go",
			program: program{pkg: ".", args: []string{"-addr", "{addr}"}}},
	}
	if m.pocketbase != "" {
		all = append(all, benched{name: "pocketbase", leaf: "plugins/ghupdate/ghupdate.go", deep: "tools/list/list.go",
			program: program{dir: m.pocketbase, pkg: "./examples/base",
				args: []string{"serve", "--http", "{addr}", "--dir", "{data}", "--automigrate=false"}},
			route: [2]string{"\tif err := app.Start(); err != nil {",
				`	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		e.Router.GET("/hotreload-bench", apis.WrapStdHandler(http.DefaultServeMux))
		return e.Next()
	})
	if err := app.Start(); err != nil {`}})
	}
	if m.blackbox != "" {
		all = append(all, benched{name: "blackbox_exporter", leaf: "prober/tcp.go", deep: "config/config.go",
			program: program{dir: m.blackbox, pkg: ".", args: []string{"--web.listen-address={addr}"}}})
	}
	return all
}

// row is the result for one edit of one program.
type row struct {
	program, edit string
	ours, byGo    []time.Duration
	limit         float64
	way           string // how the last build was done
	parts         [][]part
}

func (m *matrix) run(ctx context.Context, rounds int, only string) error {
	root, err := os.MkdirTemp("", "hotreload-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	hotreload, err := buildHotreload(root)
	if err != nil {
		return err
	}
	var rows []row
	var notes []string
	for _, p := range m.programs() {
		if only != "" && !slices.Contains(strings.Split(only, ","), p.name) {
			continue
		}
		more, note, err := p.bench(ctx, m.command(hotreload), filepath.Join(root, p.name), rounds, m.edit)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		rows, notes = append(rows, more...), append(notes, note)
		fmt.Print(matrixTable(rows, rounds), partsTable(rows), "\n", strings.Join(notes, "\n"), "\n")
	}
	return nil
}

// command returns the command that is measured.
func (m *matrix) command(hotreload string) []string {
	if m.link {
		return []string{hotreload, "-v", "--build=link"}
	}
	return []string{hotreload, "-v"}
}

// bench measures one program.
func (p benched) bench(ctx context.Context, hotreload []string, root string, rounds int, only string) (rows []row,
	note string, err error) {
	load := loadNow()
	if p.make {
		p.dir = filepath.Join(root, "made")
		if err := makeService(p.dir); err != nil {
			return nil, "", err
		}
	}
	model := filepath.Join(root, "model") // the original of both copies
	if err := copyTree(p.dir, model); err != nil {
		return nil, "", err
	}
	leaf, deep, err := p.mark(model)
	if err != nil {
		return nil, "", err
	}
	p.dir, p.find, p.url = model, "begin.", "/hotreload-bench"
	tools := []*contender{
		{name: "go build", build: []string{"go", "build", "-o", "{bin}"}},
		{name: "hotreload", start: func(c *contender, p program) (*exec.Cmd, error) {
			return exec.Command(hotreload[0], slices.Concat(hotreload[1:], []string{p.pkg}, c.args)...), nil
		}},
	}
	for _, c := range tools {
		fmt.Printf("%s: preparing %s\n", p.name, c.name)
		if err := c.prepare(ctx, p.program, filepath.Join(root, strings.ReplaceAll(c.name, " ", "-"))); err != nil {
			return nil, "", fmt.Errorf("%s: %w", c.name, err)
		}
		defer c.stop()
	}
	if err := compileOthers(tools[0].tree); err != nil {
		return nil, "", err
	}
	kinds := slices.DeleteFunc(edits(p), func(e edit) bool { return !strings.Contains(e.name, only) })
	for _, e := range kinds {
		rows = append(rows, row{program: p.name, edit: e.name, limit: e.limit})
	}
	for round := range rounds {
		for i, e := range kinds {
			file := leaf
			if e.deep {
				file = deep
			}
			e.change(&file.variant)
			file.mark = fmt.Sprintf("round%dedit%d.", round, i)
			for k := range tools {
				c := tools[(k+round+i)%len(tools)]
				rest(ctx, tools[1].cmd.Process.Pid)
				told := len(c.out.String())
				took, err := c.measure(ctx, p.program, file.file, file.source(), file.mark)
				if err != nil {
					return nil, "", fmt.Errorf("%s, %s, round %d: %w\n%s", c.name, e.name, round, err, c.log())
				}
				if c.start == nil {
					fmt.Printf("%s, %s, round %d: %s %s\n", p.name, e.name, round, c.name, ms(took))
					rows[i].byGo = append(rows[i].byGo, took)
				} else {
					rows[i].ours, rows[i].way = append(rows[i].ours, took), lastWay(c.out.String())
					rows[i].parts = append(rows[i].parts, c.partsOf(ctx, told, took))
					fmt.Printf("%s, %s, round %d: %s %s (%s)\n", p.name, e.name, round, c.name, ms(took), rows[i].way)
				}
			}
		}
	}
	note = fmt.Sprintf("%s: load %s before, %s after; hotreload itself has %s of memory", p.name, load, loadNow(),
		memoryOf(tools[1].cmd.Process.Pid))
	return rows, note, nil
}

// mark adds the functions to the copy in dir, and the route that shows their results.
func (p benched) mark(dir string) (leaf, deep *marked, err error) {
	if missing(filepath.Join(dir, "go.mod")) {
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/program\n\ngo 1.25\n"),
			0o666); err != nil {
			return nil, nil, err
		}
	}
	list := exec.Command("go", "list", "-m")
	list.Dir = dir
	module, err := list.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list -m: %w", err)
	}
	if deep, err = newMarked(dir, p.deep); err != nil {
		return nil, nil, err
	}
	leaf = deep
	imports, calls := "", "BenchText()"
	if p.leaf != p.deep {
		if leaf, err = newMarked(dir, p.leaf); err != nil {
			return nil, nil, err
		}
		prefix := strings.TrimSpace(string(module)) + "/"
		imports = fmt.Sprintf("\tleaf %q\n\tdeep %q\n", prefix+filepath.Dir(p.leaf), prefix+filepath.Dir(p.deep))
		calls = "leaf.BenchText()+deep.BenchText()"
	}
	probe := "package main\n\nimport (\n\t\"io\"\n\t\"net/http\"\n" + imports + ")\n\nfunc init() {\n" +
		"\thttp.HandleFunc(\"/hotreload-bench\", func(w http.ResponseWriter, _ *http.Request) {\n" +
		"\t\t_, _ = io.WriteString(w, " + calls + ")\n\t})\n}\n"
	files := map[string][]byte{
		leaf.file: leaf.source(), deep.file: deep.source(), filepath.Join(p.pkg, "bench_probe.go"): []byte(probe),
	}
	if p.route[0] != "" {
		main := filepath.Join(p.pkg, "main.go")
		source, err := os.ReadFile(filepath.Join(dir, main))
		if err != nil {
			return nil, nil, err
		}
		if !strings.Contains(string(source), p.route[0]) {
			return nil, nil, fmt.Errorf("%s does not hold %q", main, p.route[0])
		}
		files[main] = []byte(strings.Replace(string(source), p.route[0], p.route[1], 1))
	}
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o666); err != nil {
			return nil, nil, err
		}
	}
	return leaf, deep, nil
}

// compileOthers compiles the packages of other modules, so that no measurement contains their first compilation.
func compileOthers(dir string) error {
	args := []string{"build"}
	for _, name := range slices.Concat(linked, others) {
		args = append(args, name[:strings.LastIndex(name, ".")])
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build of the packages that are imported later: %v\n%s", err, out)
	}
	return nil
}

// lastWay returns how the last build was done, from the output of hotreload -v.
func lastWay(out string) string {
	at := strings.LastIndex(out, "built: ")
	if at < 0 {
		return ""
	}
	way, _, _ := strings.Cut(out[at+len("built: "):], "\n")
	return strings.TrimSpace(strings.TrimSuffix(way, "\x1b[0m"))
}

func matrixTable(rows []row, rounds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nsave → first answer of the new code (go build: the command alone), medians of %d rounds\n\n",
		rounds)
	b.WriteString("| program | edit | `go build` | hotreload | × `go build` | most | target | last built by |\n" +
		"| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		var ratios []float64
		for i := range r.ours {
			ratios = append(ratios, float64(r.ours[i])/float64(r.byGo[i]))
		}
		slices.SortFunc(ratios, cmp.Compare[float64])
		median := ratios[len(ratios)/2]
		verdict := ""
		if median > r.limit {
			verdict = ", missed"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.2f | %.2f | %.2f%s | %s |\n", r.program, r.edit,
			ms(quantile(r.byGo, 0.5)), ms(quantile(r.ours, 0.5)),
			median, ratios[len(ratios)-1], r.limit, verdict, r.way)
	}
	return b.String()
}
