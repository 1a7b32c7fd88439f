//go:build unix

// Command bench measures the time from a save to the first answer of the new code, for hotreload and other tools on
// PATH, next to a plain `go build` of the same edit.
//
//	go run ./bench                                     the bundled example
//	go run ./bench -dir ../server -pkg ./cmd/server -file web/index.go -find 'Welcome' -url / -- -addr {addr}
//	go run ./bench -matrix -pocketbase ../pocketbase -blackbox ../blackbox_exporter
//
// # The matrix
//
// -matrix measures only hotreload and `go build`, with several programs and kinds of edit: the bundled example, a
// generated service of 40 packages (service.go), and real applications whose source the user provides. The copy of each
// program gets a function that answers with a word, once in a package with hardly any importers and once in a package
// that nearly all others import. The edits (edit.go) change these functions. A measurement begins when hotreload is at
// rest: after a build hotreload plans, proves and confirms, and this work must not slow down `go build`. With -patch,
// hotreload patches instead of linking. A second table shows where the time goes (parts.go).
//
// # The large tree
//
// -tree starts each tool alone in a repository with 200,000 files in 20,000 folders next to the generated service
// (tree.go). It measures the time until the program answers, the time after a save, the tool's memory at rest, and its
// number of kernel watches. All tools read the same files in the same round; the build cache is warm.
//
//	go run ./bench -tree -n 3
//
// # Pages in a browser
//
// -pages measures the time from a save until an open page shows it, for hotreload, air's proxy and the proxy of
// templ generate --watch (pages.go). Each tool has a Chromium of its own, with one page open. templ must be on PATH,
// because the program's page contains a component of templ; air is left out if it is not there.
//
//	go run ./bench -pages -n 9
//
// # Beside air
//
// -own compares hotreload and air with a program that has an .air.toml. air is started as it is. hotreload is started
// after hotreload init --write, which makes hotreload.toml of .air.toml. -fixed is for a program that takes no address:
// each copy gets its own in the Go files. From each save until a second after the answer, a client sends a request on a
// new connection, waits for the answer and 5 ms, and again; requests without a right answer are counted. A round in
// which the new code does not come to serve within 30 s is counted apart.
//
//	go run ./bench -own -n 9 -dir ../app -file main.go -find Welcome -url / -fixed :8080
//
// # How it measures
//
// Every tool gets its own copy of the program's module, its own port and its own process. All start before the first
// measurement, so only one tree is edited at a time and all other tools are at rest. A round edits each tree once, one
// tool after the other, in a changing order, so a slow minute of the machine affects all tools alike. The edit replaces
// the text -find in -file with a new text. The clock starts before the write, and stops when a GET of -url on a new
// connection returns this text. GETs are sent every 4 ms, later every 1 % of the time so far.
//
// For `go build` only the command is measured; its program is not started. Meanwhile, bench sends requests to an
// unrelated server, because requests also take processor time from a build. Ratios are taken within a round, and the
// table shows medians.
//
// The other tools use the settings that their own documentation recommends for a Go server. Nothing is slowed down or
// sped up.
package main

import (
	"context"
	"errors"
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
	flag.StringVar(&p.dir, "dir", "testdata/hello",
		"folder of the program's module; a go.mod is added to the copies if it has none")
	flag.StringVar(&p.pkg, "pkg", ".", "main package, relative to -dir")
	flag.StringVar(&p.file, "file", "greeting.go", "file to edit, relative to -dir")
	flag.StringVar(&p.find, "find", "Hello, ", "text in -file that the answer shows, replaced at each edit")
	flag.StringVar(&p.url, "url", "/", "path to ask for")
	flag.BoolVar(&p.own, "own", false, "compare hotreload and air by the program's own .air.toml: air as it is, "+
		"hotreload after hotreload init --write; a steady client counts failed requests")
	flag.StringVar(&p.fixed, "fixed", "", "the `address` in the program's Go files, as in :8080, if it takes none")
	rounds := flag.Int("n", 15, "rounds")
	only := flag.String("only", "", "comma-separated names of the contenders to run; all that are there if empty")
	var m matrix
	flag.BoolVar(&m.on, "matrix", false,
		"measure several programs with several kinds of edit; of the other flags only -n and -only count, "+
			"and -only names programs")
	flag.StringVar(&m.pocketbase, "pocketbase", "", "for -matrix: folder of github.com/pocketbase/pocketbase")
	flag.StringVar(&m.blackbox, "blackbox", "", "for -matrix: folder of github.com/prometheus/blackbox_exporter")
	flag.BoolVar(&m.link, "link", false, "for -matrix: hotreload --build=link")
	flag.StringVar(&m.edit, "edit", "", "for -matrix: part of the name of the edits to measure; all if empty")
	var t tree
	flag.BoolVar(&t.on, "tree", false,
		"measure start-up, memory and watches on a large repository; of the other flags only -n, -only and -folders count")
	flag.IntVar(&t.folders, "folders", 20_000, "for -tree: folders, of ten files each, beside the program")
	inPages := flag.Bool("pages", false,
		"measure until an open page shows a save, beside air and templ; of the other flags only -n and -only count")
	flag.Parse()
	p.args = flag.Args()
	if len(p.args) == 0 {
		p.args = []string{"-addr", "{addr}"}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // Ctrl-C also ends the tools
	defer stop()
	var err error
	switch {
	case t.on:
		err = t.run(ctx, *rounds, *only)
	case *inPages:
		err = pages(ctx, *rounds, *only)
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
		if p.own && c.name != "hotreload" && c.name != "air" {
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
			took, err := c.round(ctx, p, content, text)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w\n%s", c.name, round, err, c.log())
			}
			c.times = append(c.times, took)
			pause(ctx, 300*time.Millisecond) // let this tool finish: it must not run during the next one's measurement
		}
	}
	if p.own {
		fmt.Print(besideAir(tools, rounds))
		return nil
	}
	fmt.Print(table(tools, rounds))
	return nil
}

// round is one save and what follows. The time is 0 if the new code has not come to serve, with -own.
func (c *contender) round(ctx context.Context, p program, content []byte, text string) (took time.Duration, err error) {
	measure := func() error { took, err = c.measure(ctx, p, p.file, content, text); return err }
	if !p.own {
		return took, measure()
	}
	if err = c.steadily(ctx, p, measure); errors.Is(err, errUnserved) {
		c.unserved++
		return 0, nil
	}
	return took, err
}

// pause waits for this time, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func buildHotreload(dir string) (path string, err error) {
	path = filepath.Join(dir, "hotreload")
	if out, err := exec.Command("go", "build", "-o", path, "hotreload").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build hotreload (run bench in its folder): %v\n%s", err, out)
	}
	return path, nil
}
