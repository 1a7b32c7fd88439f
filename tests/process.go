package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"hotreload/gobuild"
	"hotreload/process"
)

// Flags are the user's flags of go test.
type Flags struct {
	Test   []string // before the packages
	Binary []string // after -args: for the tests themselves
}

// ErrFlag is an error about a flag that hotreload test cannot use.
type ErrFlag struct{ Flag, Why string }

func (e *ErrFlag) Error() string { return e.Flag + " cannot be used: " + e.Why }

// valued lists the flags of `go help test` and `go help testflag` with a value, beside build flags.
var valued = []string{"bench", "benchtime", "blockprofile", "blockprofilerate", "count", "coverprofile", "cpu",
	"cpuprofile", "exec", "fuzz", "fuzzminimizetime", "fuzztime", "list", "memprofile", "memprofilerate", "mutexprofile",
	"mutexprofilefraction", "o", "outputdir", "parallel", "run", "shuffle", "skip", "timeout", "trace", "vet"}

// choosing lists the flags by which users choose tests themselves.
var choosing = []string{"run", "skip", "bench", "fuzz", "list"}

// ParseFlags parses the flags of go test, and returns the build flags among them separately.
func ParseFlags(args []string) (all Flags, build []string, err error) {
	for i := 0; i < len(args); i++ {
		name, joined := nameOf(args[i])
		if name == "args" {
			all.Binary = args[i+1:]
			return all, build, nil
		}
		switch {
		case name == "":
			return all, nil, &ErrFlag{args[i], "it is no flag of go test"}
		case name == "c" || name == "n" || name == "o":
			return all, nil, &ErrFlag{args[i], "tests would not run"}
		case name == "C":
			return all, nil, &ErrFlag{args[i], "the packages are those of this folder"}
		}
		takes, isBuild := gobuild.IsFlag(args[i])
		words := args[i : i+1]
		if !joined && (isBuild && takes || slices.Contains(valued, name)) {
			if i++; i == len(args) {
				return all, nil, &ErrFlag{args[i-1], "it needs a value"}
			}
			words = args[i-1 : i+1]
		}
		switch {
		case name == "json" || name == "v":
			continue // hotreload passes -json, which contains -v
		case isBuild && !strings.HasPrefix(name, "cover"):
			build = append(build, words...)
		}
		all.Test = append(all.Test, words...)
	}
	return all, build, nil
}

// nameOf returns the name of a flag; "" if arg is not a flag.
func nameOf(arg string) (name string, joined bool) {
	rest, is := strings.CutPrefix(arg, "-")
	if !is {
		return "", false
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "-"), "test.")
	name, _, joined = strings.Cut(rest, "=")
	return name, joined
}

// has reports whether the user has passed one of these flags.
func (f Flags) has(names ...string) bool {
	return slices.ContainsFunc(f.Test, func(arg string) bool {
		name, _ := nameOf(arg)
		return slices.Contains(names, name)
	})
}

// args returns the arguments of go for a step.
func (f Flags) args(s step, low bool) []string {
	args := []string{"test", "-json", "-work"}
	if half := runtime.GOMAXPROCS(0) / 2; low && !f.has("p") {
		args = append(args, "-p="+strconv.Itoa(max(half, 1)))
	}
	args = append(args, f.Test...)
	if s.only != nil {
		var quoted []string
		for _, name := range s.only {
			quoted = append(quoted, regexp.QuoteMeta(name))
		}
		args = append(args, "-run=^("+strings.Join(quoted, "|")+")$")
	}
	args = append(args, s.packages...)
	if f.Binary != nil {
		args = append(append(args, "-args"), f.Binary...)
	}
	return args
}

// lines calls take with each complete written line.
type lines struct {
	rest []byte
	take func(line []byte)
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, complete := bytes.Cut(l.rest, []byte("\n"))
		if !complete {
			return len(p), nil
		}
		l.take(line)
		l.rest = rest
	}
}

// goTest runs `go test` to its end. It calls hear with each event and stray with text between events. If ctx ends,
// goTest kills the whole process tree and returns ctx's error. Failed tests are not an error.
func goTest(ctx context.Context, cmd *exec.Cmd, low bool, hear func(event), stray func(text string)) error {
	out := &lines{take: func(line []byte) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil || e.Action == "" {
			stray(string(line) + "\n")
			return
		}
		hear(e)
	}}
	var complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Writer(out), &complaints
	p, err := process.Start(cmd)
	if err != nil {
		return fmt.Errorf("start go test: %w", err)
	}
	if low {
		p.GiveWay()
	}
	if err := p.Await(ctx); err != nil {
		return err
	}
	p.Sweep()
	stray(complaints.String())
	if exit := p.Exit(); exit.Err != nil || exit.Signal != 0 {
		return errors.New("go test: " + exit.String())
	}
	return nil
}
