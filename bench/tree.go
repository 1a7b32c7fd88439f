//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// tree measures start-up, memory and watches on a large repository: the generated service of 40 packages next to
// folders of the same module that it does not import. One tool runs at a time, in the same tree.
type tree struct {
	on      bool
	folders int // of ten files each
}

// begun is the result of one start of a tool.
type begun struct {
	start, save time.Duration // until the first answer
	memory      int           // of the tool itself, at rest, in MB
	watches     int
	note        string // why there is no result
}

// startLimit is how long a tool may take until the program answers. With 20,000 folders, none of the tried tools took a
// tenth of it.
const startLimit = 5 * time.Minute

func (t tree) run(ctx context.Context, rounds int, only string) error {
	root, err := os.MkdirTemp("", "hotreload-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	hotreload, err := buildHotreload(root)
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "service")
	if err := makeService(dir); err != nil {
		return err
	}
	if err := t.make(filepath.Join(dir, "web")); err != nil {
		return err
	}
	p := program{dir: dir, pkg: ".", file: "word.go", url: "/hotreload-bench", args: []string{"-addr", "{addr}"}}
	if err := os.WriteFile(filepath.Join(dir, p.file), word("first"), 0o666); err != nil {
		return err
	}
	warm := exec.Command("go", "build", "-o", filepath.Join(root, "warm"), ".")
	warm.Dir = dir
	if out, err := warm.CombinedOutput(); err != nil {
		return fmt.Errorf("%v\n%s", err, out)
	}
	fmt.Printf("%d files in %d folders beside a service of 40 packages; load %s\n", 10*t.folders, t.folders, loadNow())
	results := map[string][]begun{}
	var names []string
	for round := range rounds {
		for _, c := range contenders(hotreload) {
			if c.start == nil || only != "" && !strings.Contains(","+only+",", ","+c.name+",") {
				continue
			}
			if round == 0 {
				names = append(names, c.name)
			}
			if _, err := exec.LookPath(c.binary); c.binary != "" && err != nil {
				results[c.name] = append(results[c.name], begun{note: "not on PATH"})
				continue
			}
			one, err := c.begin(ctx, p, dir, round)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				one.note, _, _ = strings.Cut(err.Error(), "\n")
			}
			results[c.name] = append(results[c.name], one)
			fmt.Printf("%s: %+v\n", c.name, one)
		}
	}
	fmt.Print(treeTable(names, results))
	fmt.Println("load", loadNow())
	return nil
}

// make makes the folders, a hundred in a folder.
func (t tree) make(dir string) error {
	for i := range t.folders {
		folder := filepath.Join(dir, fmt.Sprintf("m%03d", i/100), fmt.Sprintf("d%02d", i%100))
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		for k := range 10 {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("f%d.js", k)), []byte("x"), 0o666); err != nil {
				return err
			}
		}
	}
	return nil
}

// word returns the content of the edited file.
func word(text string) []byte {
	return fmt.Appendf(nil, "package main\n\nimport (\n\t\"fmt\"\n\t\"net/http\"\n)\n\nfunc init() {\n"+
		"\thttp.HandleFunc(\"/hotreload-bench\", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, %q) })\n}\n",
		text)
}

// begin starts the tool in the tree, waits for the first answer, saves a file, and stops it.
func (c *contender) begin(ctx context.Context, p program, dir string, round int) (one begun, err error) {
	before := fmt.Sprintf("%s before round %d", c.name, round)
	c.tree = dir
	if err := os.WriteFile(filepath.Join(dir, p.file), word(before), 0o666); err != nil {
		return one, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return one, err
	}
	c.addr = l.Addr().String()
	l.Close()
	for _, arg := range p.args {
		c.args = append(c.args, strings.ReplaceAll(arg, "{addr}", c.addr))
	}
	if c.cmd, err = c.start(c, p); err != nil {
		return one, err
	}
	c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = dir, &c.out, &c.out
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.WaitDelay = time.Second
	began := time.Now()
	if err := c.cmd.Start(); err != nil {
		return one, err
	}
	defer c.stop()
	if err := c.await(ctx, p, before, startLimit); err != nil {
		return one, errors.New(strings.TrimSpace(err.Error() + ": " + c.log()))
	}
	one.start = time.Since(began)
	rest(ctx, c.cmd.Process.Pid)
	one.memory, one.watches = residentOf(c.cmd.Process.Pid), watchesOf(c.cmd.Process.Pid)
	after := fmt.Sprintf("%s after round %d", c.name, round)
	one.save, err = c.measure(ctx, p, p.file, word(after), after)
	return one, err
}

func treeTable(names []string, results map[string][]begun) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n| | start → first answer | save → first answer | memory at rest | watches |\n| --- | --- | --- "+
		"| --- | --- |\n")
	for _, name := range names {
		var starts, saves []time.Duration
		last, note := begun{}, ""
		for _, one := range results[name] {
			if one.note != "" {
				note = one.note
				continue
			}
			starts, saves, last = append(starts, one.start), append(saves, one.save), one
		}
		if len(starts) == 0 {
			fmt.Fprintf(&b, "| %s | %s | | | |\n", name, note)
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d MB | %d |\n", name, ms(quantile(starts, 0.5)),
			ms(quantile(saves, 0.5)), last.memory, last.watches)
	}
	return b.String()
}
