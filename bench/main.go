//go:build unix

// Command bench measures how long it takes from a save to the first answer of the new code, for hotreload and for
// other tools that are on PATH, beside a plain `go build` of the same edit.
//
//	go run ./bench                                     the bundled example
//	go run ./bench -dir ../server -pkg ./cmd/server -file web/index.go -find 'Welcome' -url / -- -addr {addr}
//	go run ./bench -matrix -pocketbase ../pocketbase -blackbox ../blackbox_exporter
//
// # The matrix
//
// With -matrix, hotreload and `go build` alone are measured, with several programs and several kinds of edit: the bundled
// example, a service of 40 packages that is made up for it (service.go), and real applications of which the user has the
// source. Each program's copy gets a function that answers with a word, in a package that hardly any other imports
// and in one that nearly all others do; the edits (edit.go) change these. A measurement begins when hotreload is at
// rest: after a build it plans, proves and confirms, which must not fall into the time of `go build`.
//
// # The large tree
//
// With -tree, each tool is started alone in one repository, of 200,000 files in 20,000 folders beside the made-up service
// (tree.go): how long until the program answers, how long after a save, how much memory the tool itself takes at rest, and
// how many watches of the kernel. All tools read the same files in the same round; the build cache is warm.
//
//	go run ./bench -tree -n 3
//
// # How it measures
//
// Every tool gets a copy of the program's module, a port and a process of its own, all started before the first
// measurement, so that at any time only one tree is edited and all other tools are at rest. A round edits each tree
// once, one tool after the other, in an order that changes from round to round; so a slow minute of the machine hits
// all of them alike. The edit replaces the text -find in -file by a text that no round had before; the clock starts
// before the write and stops when a GET of -url, on a new connection, every 4 ms (later every 1 % of the time that has
// passed), answers with that text. `go build` is
// the time of the command, whose program is not started; a server of no interest is asked meanwhile, for asking takes
// the processor from a build. Ratios are taken within a round, and the table shows medians.
//
// Settings of the other tools are those of their own documentation for a Go server; nothing is slowed down or sped up.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	var p program
	flag.StringVar(&p.dir, "dir", "testdata/hello", "folder of the program's module; a go.mod is added to the copies if it has none")
	flag.StringVar(&p.pkg, "pkg", ".", "main package, relative to -dir")
	flag.StringVar(&p.file, "file", "greeting.go", "file to edit, relative to -dir")
	flag.StringVar(&p.find, "find", "Hello, ", "text in -file that the answer shows, replaced at each edit")
	flag.StringVar(&p.url, "url", "/", "path to ask for")
	rounds := flag.Int("n", 15, "rounds")
	only := flag.String("only", "", "comma-separated names of the contenders to run; all that are there if empty")
	var m matrix
	flag.BoolVar(&m.on, "matrix", false, "measure several programs with several kinds of edit; of the other flags only -n and -only count, and -only names programs")
	flag.StringVar(&m.pocketbase, "pocketbase", "", "for -matrix: folder of github.com/pocketbase/pocketbase")
	flag.StringVar(&m.blackbox, "blackbox", "", "for -matrix: folder of github.com/prometheus/blackbox_exporter")
	flag.StringVar(&m.edit, "edit", "", "for -matrix: part of the name of the edits to measure; all if empty")
	var t tree
	flag.BoolVar(&t.on, "tree", false, "measure start-up, memory and watches on a large repository; of the other flags only -n, -only and -folders count")
	flag.IntVar(&t.folders, "folders", 20_000, "for -tree: folders, of ten files each, beside the program")
	flag.Parse()
	p.args = flag.Args()
	if len(p.args) == 0 {
		p.args = []string{"-addr", "{addr}"}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // no tool goes on without us
	defer stop()
	var err error
	switch {
	case t.on:
		err = t.run(ctx, *rounds, *only)
	case m.on:
		err = m.run(ctx, *rounds, *only)
	default:
		err = run(ctx, p, *rounds, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p program, rounds int, only string) error {
	root, err := os.MkdirTemp("", "hotreload-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	hotreload, err := buildHotreload(root)
	if err != nil {
		return err
	}

	var tools []*contender
	for _, c := range contenders(hotreload) {
		if only != "" && !strings.Contains(","+only+",", ","+c.name+",") {
			continue
		}
		if c.binary != "" {
			if _, err := exec.LookPath(c.binary); err != nil {
				fmt.Printf("%s is not on PATH: left out\n", c.name)
				continue
			}
		}
		tools = append(tools, c)
	}
	for i, c := range tools {
		fmt.Printf("preparing %s\n", c.name)
		if err := c.prepare(ctx, p, filepath.Join(root, fmt.Sprint(i))); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		defer c.stop()
	}

	for round := range rounds {
		for i := range tools {
			c := tools[(i+round)%len(tools)]
			before, text := fmt.Sprintf("%sr%d.", p.find, round-1), fmt.Sprintf("%sr%d.", p.find, round)
			if round == 0 {
				before = p.find
			}
			content, err := c.replaceIn(p.file, before, text)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			took, err := c.measure(ctx, p, p.file, content, text)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w\n%s", c.name, round, err, c.log())
			}
			c.times = append(c.times, took)
			time.Sleep(300 * time.Millisecond) // let it come to rest: it must not work in the next one's time
		}
	}
	fmt.Print(table(tools, rounds))
	return nil
}

func buildHotreload(dir string) (path string, err error) {
	path = filepath.Join(dir, "hotreload")
	if out, err := exec.Command("go", "build", "-o", path, "hotreload").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build hotreload (run bench in its folder): %v\n%s", err, out)
	}
	return path, nil
}
