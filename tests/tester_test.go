package tests

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/gobuild"
	"hotreload/internal/testplace"
	"hotreload/process"
)

func TestMain(m *testing.M) {
	if code, helper := process.Helper(os.Args); helper {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// patience is far above the usual time, even on a busy machine.
const patience = 2 * time.Minute

// bench is a Tester of a module on the disk.
type bench struct {
	t   *testing.T
	dir string
	*Tester
}

func newBench(t *testing.T, files map[string]string) *bench {
	return newBenchWith(t, Config{AtStart: true}, files)
}

// newBenchWith fills in the program of a Config.
func newBenchWith(t *testing.T, config Config, files map[string]string) *bench {
	t.Helper()
	if testing.Short() {
		t.Skip("runs go test: not with -short")
	}
	b := &bench{t: t, dir: testplace.Folder(t)}
	b.save("go.mod", "module m\n\ngo 1.25\n")
	for name, content := range files {
		b.save(name, content)
	}
	return b.another(config)
}

// another starts a Tester of the module.
func (b *bench) another(config Config) *bench {
	b.t.Helper()
	config.Program = gobuild.Program{Dir: b.dir, Args: []string{"./..."}, Env: config.Program.Env}
	tester, err := New(config)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		go func() { // ends with Close
			for range tester.Events() {
			}
		}()
		tester.Close()
	})
	return &bench{t: b.t, dir: b.dir, Tester: tester}
}

func (b *bench) save(name, content string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		b.t.Fatal(err)
	}
	// By rename: nobody reads half a file, even on a busy machine.
	draft := filepath.Join(b.t.TempDir(), "draft")
	if err := errors.Join(os.WriteFile(draft, []byte(content), 0o666), os.Rename(draft, path)); err != nil {
		b.t.Fatal(err)
	}
}

// until reads events up to one with this beginning, and returns all since the last call.
func (b *bench) until(words string) (seen []string) {
	b.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case event, ok := <-b.Events():
			if !ok {
				b.t.Fatalf("the events end; have %q", seen)
			}
			text := b.worded(event)
			if text == "" {
				continue
			}
			if seen = append(seen, text); strings.HasPrefix(text, words) {
				return seen
			}
		case <-limit:
			b.t.Fatalf("no %q; have %q", words, seen)
		}
	}
}

func (b *bench) worded(event Event) string {
	switch e := event.(type) {
	case Started:
		return fmt.Sprint("started ", e.Packages)
	case Failed:
		return fmt.Sprintf("failed %s %s:%d", e.Test, filepath.Base(e.Problems[0].File), e.Problems[0].Line)
	case Tested:
		return fmt.Sprint("tested ", e.Package, " ", e.Passed)
	case Ended:
		return fmt.Sprint("ended ", e.Passed, " ", e.Failed, " ", e.Elsewhere)
	case Interrupted:
		return "interrupted"
	case Unreached:
		return "unreached"
	case Broken:
		return "broken " + e.Err.Error()
	}
	return ""
}

func (b *bench) want(seen []string, want ...string) {
	b.t.Helper()
	if !slices.Equal(seen, want) {
		b.t.Errorf("have %q\nwant %q", seen, want)
	}
}

const storeTest = "package store\n\nimport \"testing\"\n\nfunc TestStore(t *testing.T) {\n\tif Get() != 2 {\n" +
	"\t\tt.Error(\"have\", Get())\n\t}\n}\n"

func textGo(n int, slow bool) string {
	return fmt.Sprintf("package text\n\nfunc N() int { return %d }\n\nconst slow = %v\n", n, slow)
}

// The saved package is tested before its importer, the last failure comes first, a new test alone comes first, and a
// newer save ends endless tests.
func TestSaves(t *testing.T) {
	t.Parallel()
	b := newBench(t, map[string]string{
		"text/text.go":         textGo(1, false),
		"text/text_test.go":    "package text\n\nimport \"testing\"\n\nfunc TestText(t *testing.T) {\n\tfor slow {\n\t}\n}\n",
		"store/store.go":       "package store\n\nimport \"m/text\"\n\nfunc Get() int { return text.N() + 1 }\n",
		"store/store_test.go":  storeTest,
		"other/other_test.go":  "package other\n\nimport \"testing\"\n\nfunc TestOther(*testing.T) {}\n",
		"other/testdata/x.txt": "x",
	})
	all := b.until("ended")
	slices.Sort(all)
	b.want(all, "ended 3 0 0", "started 3", "tested m/other true", "tested m/store true", "tested m/text true")

	b.save("text/text.go", textGo(5, false))
	b.want(b.until("ended"), "started 2", "tested m/text true", "failed TestStore store_test.go:7", "tested m/store false",
		"ended 1 1 0")
	b.save("other/testdata/x.txt", "y")
	b.want(b.until("ended"), "started 1", "tested m/other true", "ended 1 0 1")
	b.save("text/text.go", textGo(6, false))
	b.want(b.until("ended"), "started 2", "failed TestStore store_test.go:7", "tested m/store false", "tested m/text true",
		"failed TestStore store_test.go:7", "tested m/store false", "ended 1 1 0")

	b.save("text/text.go", textGo(1, true))
	b.want(b.until("tested m/store"), "started 2", "tested m/store true")
	b.save("text/text.go", textGo(1, false))
	b.want(b.until("ended"), "interrupted", "started 2", "tested m/text true", "tested m/store true", "ended 2 0 0")

	b.save("store/more_test.go", "package store\n\nimport \"testing\"\n\nfunc TestMore(t *testing.T) {\n\tt.Fatal(1)\n}\n")
	b.want(b.until("ended"), "started 1", "failed TestMore more_test.go:6", "tested m/store false",
		"failed TestMore more_test.go:6", "tested m/store false", "ended 1 1 0")
	go func() { // ends with the test's cleanup
		for range b.Events() {
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	outcome, err := b.Await(ctx)
	if err != nil || len(outcome.Problems) != 1 || outcome.Report.Failed != 1 {
		t.Errorf("have %+v, %v", outcome, err)
	}
}

// A file written by tests into testdata causes one more run, and no third one. A person's save of the same file counts.
func TestWrittenByTests(t *testing.T) {
	t.Parallel()
	b := newBench(t, map[string]string{
		"a/testdata/keep": "",
		"a/a_test.go": "package a\n\nimport (\n\t\"os\"\n\t\"testing\"\n\t\"time\"\n)\n\nfunc TestWrite(t *testing.T) {\n" +
			"\tos.WriteFile(\"testdata/out\", []byte(time.Now().String()), 0o666)\n}\n",
	})
	b.until("ended")
	b.until("ended") // the second run, for the written file
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := b.Await(ctx); err != nil { // blocks if another event waits to be read
		t.Fatal(err)
	}
	select {
	case e := <-b.Events():
		t.Errorf("after two runs: %+v", e)
	default:
	}
	b.save("a/testdata/keep", "by a person")
	b.until("ended")
}

// Beside a service, tests wait until the saved code serves. If only tests were saved, they do not wait.
func TestBeside(t *testing.T) {
	t.Parallel()
	asked, serves := make(chan struct{}), make(chan bool)
	hold := func(ctx context.Context) bool {
		select {
		case asked <- struct{}{}:
		case <-ctx.Done():
			return false
		}
		select {
		case answer := <-serves:
			return answer
		case <-ctx.Done():
			return false
		}
	}
	b := newBenchWith(t, Config{Hold: hold}, map[string]string{
		"store/store.go":      "package store\n\nfunc Get() int { return 2 }\n",
		"store/store_test.go": storeTest,
	})
	old := time.Now().Add(-time.Hour) // older than the start, so not tested
	for _, name := range []string{"go.mod", "store/store.go", "store/store_test.go"} {
		if err := os.Chtimes(filepath.Join(b.dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	// answer gives the next answer of Hold.
	answer := func(answer bool) { <-asked; serves <- answer }
	await := func() Outcome {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		outcome, err := b.Await(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return outcome
	}
	answer(true) // at the start
	if o := await(); o.Held || !o.OK() {
		t.Errorf("at the start: have %+v", o)
	}
	b.save("store/store.go", "package store\n\nfunc Get() int { return 3 }\n")
	answer(false)
	if o := await(); !o.Held || o.OK() || o.Report.Packages > 0 {
		t.Errorf("the service does not serve: have %+v", o)
	}
	b.Go() // another reason to call Hold; the code still does not serve
	answer(false)
	b.Go()
	answer(true)
	b.want(b.until("ended"), "started 1", "failed TestStore store_test.go:7", "tested m/store false", "ended 0 1 0")
	b.save("store/store_test.go", strings.ReplaceAll(storeTest, "2", "3"))
	answer(false) // no build is going on, but another fault stays
	b.want(b.until("ended"), "started 1", "tested m/store true", "tested m/store true", "ended 1 0 0")
	if o := await(); !o.OK() {
		t.Errorf("after a test was saved: have %+v", o)
	}

	b.save("store/store.go", "package store\n\nfunc Get() int { return 4 }\n")
	<-asked
	b.Go() // during a call of Hold: its answer may be outdated
	serves <- false
	answer(true)
	b.want(b.until("ended"), "started 1", "failed TestStore store_test.go:7", "tested m/store false", "ended 0 1 0")
}

// Success needs a run of go test. A save that mends the fault is tested.
func TestBroken(t *testing.T) {
	t.Parallel()
	b := newBenchWith(t, Config{AtStart: true, Flags: Flags{Test: []string{"-count=x"}}}, map[string]string{
		"store/store.go":      "package store\n\nfunc Get() int { return 2 }\n",
		"store/store_test.go": storeTest,
	})
	b.until("broken")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if o, err := b.Await(ctx); err != nil || o.OK() || o.Err == nil {
		t.Errorf("have %+v, %v", o, err)
	}
	b.save("store/store.go", "package store\n\nfunc Get() int { return 3 }\n")
	b.until("broken") // the next attempt
}
