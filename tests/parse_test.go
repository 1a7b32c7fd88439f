package tests

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// read feeds a reader with output of `go test -json`: lines ACTION TEST [OUTPUT] of package m/a.
func read(t *testing.T, script string) (failed []Failure, ended *outcome) {
	t.Helper()
	source := map[string]string{
		"/m/a/a_test.go:4": `t.Log("a log")`, "/m/a/a_test.go:5": `t.Errorf("have %d", 1)`, "/m/a/a_test.go:7": "helper(t)",
		"/m/a/a_test.go:1": "package a", "/m/a/a_test.go:10": "m[1] = 1", "/m/b/b.go:1": "package b",
	}
	r := newReader(places{
		dir: func(pkg string) string { return "/" + pkg },
		line: func(path string, n int) (string, bool) {
			text, there := source[fmt.Sprintf("%s:%d", filepath.ToSlash(path), n)]
			return text, there
		},
		decl: func(_, test string) (string, int) { return "/m/a/a_test.go", 99 },
		mine: func(path string) bool { return strings.HasPrefix(filepath.ToSlash(path), "/m/") },
		root: "/m",
	})
	for line := range strings.Lines(script) {
		var e event
		if line = strings.TrimRight(line, "\n"); strings.HasPrefix(line, "{") {
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
		} else {
			words := strings.SplitN(line, "|", 3)
			e = event{Action: words[0], Package: "m/a"}
			if len(words) > 1 {
				e.Test = words[1]
			}
			if len(words) > 2 {
				e.Output = words[2] + "\n"
			}
		}
		f, o := r.hear(e)
		if f != nil {
			failed = append(failed, *f)
		}
		if o != nil {
			ended = o
		}
	}
	for _, o := range r.finish() {
		ended = &o
	}
	return failed, ended
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct{ script, want, counts string }{
		"all pass": {"run|TestA\noutput|TestA|=== RUN   TestA\npass|TestA\nskip|TestB\npass|", "", "1 0 1"},
		"an error, and no log": {"run|TestA\noutput|TestA|    a_test.go:4: a log\noutput|TestA|    a_test.go:5: have 1\n" +
			"output|TestA|        want 2\noutput|TestA|--- FAIL: TestA (0.00s)\nfail|TestA\nfail|",
			"TestA /m/a/a_test.go:5: TestA: have 1↵want 2", "0 1 0"},
		"a subtest, and what its test says": {"run|TestA\nrun|TestA/x\noutput|TestA/x|    a_test.go:5: no\nfail|TestA/x\n" +
			"output|TestA|    a_test.go:7: from a helper\nfail|TestA\nfail|",
			"TestA/x /m/a/a_test.go:5: TestA/x: no; TestA /m/a/a_test.go:7: TestA: from a helper", "0 1 0"},
		"a subtest alone": {"run|TestA\nrun|TestA/x\noutput|TestA/x|    a_test.go:5: no\nfail|TestA/x\nfail|TestA\nfail|",
			"TestA/x /m/a/a_test.go:5: TestA/x: no", "0 1 0"},
		"no place": {"run|TestA\noutput|TestA|some words\nfail|TestA\nfail|", "TestA /m/a/a_test.go:99: TestA: some words",
			"0 1 0"},
		"a file of no such folder is no place": {"run|TestA\noutput|TestA|    x.go:5: hm\nfail|TestA\nfail|",
			"TestA /m/a/a_test.go:99: TestA: x.go:5: hm", "0 1 0"},
		"a panic": {"run|TestA\noutput|TestA|panic: nil map [recovered, repanicked]\noutput|TestA|\n" +
			"output|TestA|goroutine 21 [running]:\noutput|TestA|testing.tRunner.func1()\n" +
			"output|TestA|\t/go/src/testing/testing.go:1974 +0x232\noutput|TestA|panic({0x55a7a0?, 0x6cacb0?})\n" +
			"output|TestA|\t/go/src/runtime/panic.go:860 +0x13a\noutput|TestA|m/a.TestA(0x1)\n" +
			"output|TestA|\t/m/a/a_test.go:10 +0x28\nfail|TestA\nfail|",
			"TestA /m/a/a_test.go:10: TestA: panic: nil map [recovered, repanicked]", "0 1 0"},
		"too slow": {"run|TestA\npass|TestA\nrun|TestB\noutput|TestB|panic: test timed out after 1s\noutput|TestB|\n" +
			"output|TestB|goroutine 1 [running]:\noutput||FAIL\tm/a\t1s\nfail|",
			"TestB /m/a/a_test.go:99: TestB: panic: test timed out after 1s", "1 1 0"},
		"the process ends": {"run|TestA\noutput|TestA|bye\noutput||exit status 3\noutput||FAIL\tm/a\t0.1s\nfail|",
			" m/a: exit status 3↵FAIL\tm/a\t0.1s", "0 0 0"},
		"does not build": {`{"ImportPath":"m/b [m/a.test]","Action":"build-output","Output":"# m/b\n"}` + "\n" +
			`{"ImportPath":"m/b [m/a.test]","Action":"build-output","Output":"b/b.go:2:13: undefined: x\n"}` + "\n" +
			"output||FAIL\tm/a [build failed]\n" + `{"Action":"fail","Package":"m/a","FailedBuild":"m/b [m/a.test]"}`,
			" /m/b/b.go:2:13: undefined: x", "0 0 0"},
	} {
		failed, ended := read(t, c.script)
		var all []string
		for _, f := range failed {
			for _, p := range f.Problems {
				text := p.Text(filepath.ToSlash)
				all = append(all, f.Test+" "+strings.ReplaceAll(strings.TrimPrefix(text, Tool+": "), "\n\t", "↵"))
			}
		}
		if have := strings.Join(all, "; "); have != c.want {
			t.Errorf("%s:\nhave %q\nwant %q", name, have, c.want)
		}
		if ended == nil {
			t.Errorf("%s: the package has not ended", name)
		} else if have := fmt.Sprint(ended.passed, ended.failed, ended.skipped); have != c.counts {
			t.Errorf("%s: have %s passed, failed, skipped; want %s", name, have, c.counts)
		}
	}
}

// A failed test counts as failing until the test or its whole package passes.
func TestResults(t *testing.T) {
	r := results{}
	fails := func(names ...string) outcome {
		o := outcome{pkg: "m/a", bad: len(names) > 0}
		for _, name := range names {
			o.failures = append(o.failures, Failure{Package: "m/a", Test: name})
		}
		return o
	}
	for _, step := range []struct {
		outcome
		only []string
		want string
	}{
		{fails("TestA/x", "TestA", "TestB"), nil, "map[m/a:[TestA TestB]]"},
		{fails(), []string{"TestA"}, "map[m/a:[TestB]]"},
		{fails("TestC"), []string{"TestC"}, "map[m/a:[TestB TestC]]"},
		{fails(), []string{"TestB", "TestC"}, "map[]"},
		{fails(""), nil, "map[m/a:[]]"},
		{fails(), nil, "map[]"},
	} {
		r.take(step.outcome, step.only)
		if have := fmt.Sprint(r.failing()); have != step.want {
			t.Errorf("after %v: have %s, want %s", step.outcome, have, step.want)
		}
	}
}
