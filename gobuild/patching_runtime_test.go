package gobuild

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/process"
)

// everythingImports are the imports of the program below, in all its stages.
const everythingImports = `import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"runtime/trace"
	"sort"
	"strings"
	"sync"
	"text/template"
	"time"
)

`

// everythingUses keeps the imports while little is used.
const everythingUses = `
var (
	_ bytes.Buffer
	_ json.Marshaler
	_ = errors.New
	_ fs.FileInfo
	_ = os.Stdout
	_ reflect.Kind
	_ runtime.Error
	_ debug.GCStats
	_ metrics.Sample
	_ = pprof.Lookup("heap") // so is the first that profiles memory
	_ = len(os.Args) > 9 && pprof.StartCPUProfile(nil) == nil // and a timer, in a package with C
	_ trace.Region
	_ sort.IntSlice
	_ strings.Builder
	_ sync.Mutex
	_ = template.Must(template.New("t").Parse("x")).Execute(&bytes.Buffer{}, nil) // the first reflection is linked
	_ time.Duration
)
`

// everything uses what the runtime must know of a program: stacks, types, methods, memory, names and lines.
const everything = `
var log = func() []string { return []string{"a variable"} }()

var table = map[string]int{"one": 1, "two": 2}

var numbers = []int{3, 1, 2}

var guarded struct {
	sync.Mutex
	n    int
	next *node
}

var large [1 << 12]struct{ p *node; n int }

type node struct {
	left, right *node
	name        string
}

func (n *node) String() string { return "node " + n.name }

type shape interface {
	Area() float64
	Name() string
}

type square struct{ side float64 }

func (s square) Area() float64 { return s.side * s.side }
func (s square) Name() string  { return "square" }

type circle struct {
	radius float64
	Tags   []string
}

func (c *circle) Area() float64 { return 3 * c.radius * c.radius }
func (c *circle) Name() string  { return fmt.Sprint("circle ", c.Tags) }

type notFound struct{ what string }

func (n *notFound) Error() string { return n.what + " not found" }
func (n *notFound) Is(err error) bool { return err == fs.ErrNotExist }

type pair[K comparable, V any] struct {
	Key   K
	Value V
}

func (p pair[K, V]) String() string { return fmt.Sprintf("<%v %v>", p.Key, p.Value) }

func mapped[T, U any](list []T, f func(T) U) (all []U) {
	for _, x := range list {
		all = append(all, f(x))
	}
	return all
}

func init() { log = append(log, "an init") }

func init() { log = append(log, fmt.Sprint("another ", len(table))) }

func deep(n int, p *node) *node {
	var frame [32]*node
	frame[n%32] = &node{left: p, name: fmt.Sprint(n)}
	if n == 0 {
		runtime.GC()
		return frame[0]
	}
	below := deep(n-1, frame[n%32])
	return &node{left: frame[n%32], right: below, name: frame[n%32].name + below.name[:1]}
}

func failing(list []int, at int) (said string) {
	defer func() {
		r := recover()
		said = fmt.Sprint(r)
		pcs := make([]uintptr, 20)
		frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
		for {
			f, more := frames.Next()
			if strings.HasPrefix(f.Function, "main.") {
				said += fmt.Sprintf(" %s:%d", f.Function, f.Line)
			}
			if !more {
				break
			}
		}
	}()
	return fmt.Sprint(list[at])
}

func null(p *node) (said string) {
	defer func() { said = fmt.Sprint(recover()) + lines(string(debug.Stack())) }()
	return p.left.name
}

func lines(stack string) (all string) {
	for _, line := range strings.Split(stack, "\n") {
		if i := strings.Index(line, "/main.go:"); i >= 0 {
			all += " " + line[i+1:]
		}
	}
	return all
}

func work() {
	fmt.Println(log, numbers, table["two"], len(large))
	sort.Slice(numbers, func(i, j int) bool { return numbers[i] < numbers[j] })
	fmt.Println(numbers, mapped(numbers, func(n int) string { return strings.Repeat("x", n) }))
	for _, s := range []shape{square{2}, &circle{1, []string{"a", "b"}}} {
		switch s := s.(type) {
		case square:
			fmt.Println(s.Name(), s.Area(), s)
		case *circle:
			fmt.Println(s.Name(), s.Area(), *s)
		}
	}
	fmt.Println(pair[string, int]{"a", 1}, pair[node, []byte]{node{name: "b"}, []byte("c")})
	fmt.Println(deep(200, nil), failing(numbers, 7), null(&node{}))
	var found *notFound
	err := fmt.Errorf("wrapped: %w", &notFound{"it"})
	fmt.Println(errors.As(err, &found), errors.Is(err, fs.ErrNotExist), found, err)
	text, err := json.Marshal(struct {
		Circle *circle
		Nodes  map[string]*node
	}{&circle{radius: 1}, map[string]*node{"x": {name: "y"}}})
	fmt.Println(string(text), err)
	var out bytes.Buffer
	page := template.Must(template.New("t").Parse("{{.Name}} {{.Area}}\n"))
	fmt.Println(page.Execute(&out, &circle{Tags: []string{"z"}}))
	fmt.Print(out.String())
	concurrent()
	memory()
	observed()
	kind := reflect.TypeOf(pair[string, *circle]{})
	fmt.Println(kind, kind.NumMethod(), kind.Field(1).Type, reflect.DeepEqual(square{1}, square{1}))
	var any1, any2 any = node{name: "k"}, node{name: "k"}
	fmt.Println(any1 == any2, map[any]int{any1: 1}[any2], map[square]string{{1}: "one"}[square{1}])
}

func concurrent() {
	var wait sync.WaitGroup
	results := make(chan pair[int, string], 8)
	for i := range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			guarded.Lock()
			defer guarded.Unlock()
			guarded.n += i
			guarded.next = &node{left: guarded.next, name: fmt.Sprint(i)}
			runtime.Gosched()
			results <- pair[int, string]{i, deep(i*3, guarded.next).name[:1]}
		}()
	}
	wait.Wait()
	close(results)
	n := 0
	for r := range results {
		n += r.Key
	}
	select {
	case r, ok := <-results:
		fmt.Println(n, guarded.n, r, ok)
	case <-time.After(time.Minute):
	}
}

func memory() {
	done := make(chan string, 1)
	func() {
		n := &node{name: "finalized"}
		runtime.SetFinalizer(n, func(n *node) { done <- n.String() })
	}()
	for i := range large {
		large[i].p, large[i].n = &node{name: fmt.Sprint(i)}, i
	}
	for range 3 {
		runtime.GC()
	}
	sum := 0
	for i := range large {
		sum += len(large[i].p.name) + large[i].n
	}
	fmt.Println(sum, <-done)
}

func parked(gate chan bool) { <-gate }

func observed() {
	gate := make(chan bool)
	go parked(gate)
	for range 1000 {
		runtime.Gosched()
	}
	var out bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&out, 2)
	fmt.Println(strings.Contains(out.String(), "main.parked("), strings.Contains(out.String(), "main.observed("))
	gate <- true
	out.Reset()
	if err := pprof.StartCPUProfile(&out); err == nil {
		for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
			deep(5, nil)
		}
		pprof.StopCPUProfile()
	}
	fmt.Println(out.Len() > 0)
	out.Reset()
	if err := trace.Start(&out); err == nil {
		deep(9, nil)
		trace.Stop()
	}
	fmt.Println(bytes.Contains(out.Bytes(), []byte("main.observed")))
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample)
	fmt.Println(sample[0].Value.Uint64() > 3)
	pc, file, line, ok := runtime.Caller(0)
	fmt.Println(runtime.FuncForPC(pc).Name(), file[strings.LastIndex(file, "/")+1:], line, ok)
}
`

// rewritten is everything with another layout of types, other initial data, and a function and a method less and more.
var rewritten = strings.NewReplacer(
	"name        string\n}", "name        string\n\tmore        [3]*node\n\tend         string\n}",
	"var numbers = []int{3, 1, 2}", "var numbers = []int{5, 4, 7, 6}",
	"var table = map[string]int{\"one\": 1, \"two\": 2}", "var table = map[string]int{\"two\": 22, \"three\": 3}",
	"func init() { log = append(log, \"an init\") }", "func (s square) Side() float64 { return s.side }",
	"type notFound struct{ what string }", "type notFound struct{ where, what string }",
	"&notFound{\"it\"}", "&notFound{\"here\", \"it\"}",
).Replace(everything)

// debugging are environments in which the runtime looks closely at what the garbage collector and stacks need.
var debugging = []string{"", "GOGC=1", "GODEBUG=gccheckmark=1", "GODEBUG=clobberfree=1", "GODEBUG=efence=1",
	"GODEBUG=adaptivestackstart=1", "GODEBUG=gcshrinkstackoff=1", "GODEBUG=asyncpreemptoff=1"}

// A patched program is for the runtime what the linked one is: from little to everything, to something else, and back.
func TestPatchedEverything(t *testing.T) {
	t.Parallel()
	notShort(t)
	patchedEverything(t)
}

// patchedEverything is TestPatchedEverything with env in the environment.
func patchedEverything(t *testing.T, env ...string) {
	t.Helper()
	const main = "package main\n\n" + everythingImports
	const little = main + "func main() { fmt.Println(\"little\") }\n" + everythingUses
	stage := func(code string) string { return main + "func main() { work() }\n" + code + everythingUses }
	p := program(tree(t, "-- go.mod --\nmodule example.com/everything\ngo 1.25\n-- main.go --\n"+little))
	p.Patch, p.Env = true, append(p.Env, env...)
	c := &trial{T: t, b: fastBuilder(t), p: p, g: load(t, p)}
	c.needsPatches()
	c.must()
	c.b.settle()
	for _, e := range []struct{ name, code string }{
		{"everything", stage(everything)},
		{"rewritten", stage(rewritten)},
		{"everything again", stage(everything)},
		{"little", little},
		{"rewritten from little", stage(rewritten)},
	} {
		write(t, filepath.Join(p.Dir, "main.go"), e.code)
		a := c.must()
		if !strings.HasSuffix(a.Way, ", and patched") {
			t.Fatalf("%s: %s", e.name, a.Way)
		}
		out := filepath.Join(t.TempDir(), "by-go")
		if said := c.byGo(out); !said.exit.Success() {
			t.Fatalf("%s: %s", e.name, said.text)
		}
		for _, env := range debugging {
			ours, theirs := behaviourIn(t, env, a.Path), behaviourIn(t, env, out)
			if ours != theirs || !strings.HasSuffix(ours, "exit code 0") {
				t.Errorf("%s, %s: the patched program says\n%s\nand go's\n%s", e.name, env, ours, theirs)
			}
		}
		c.b.settle()
		if doubt := c.doubted(); doubt != "" {
			t.Fatalf("%s: %s\n%s", e.name, doubt, c.reported())
		}
		if !c.confirmed(a) {
			t.Errorf("%s: not confirmed", e.name)
		}
	}
}

// needsPatches skips a test if package patch does not know this toolchain.
func (c *trial) needsPatches() {
	c.Helper()
	s := c.g.settings
	if why := c.b.short.patcher.supported(s.GOVERSION, s.GOOS, s.GOARCH); why != "" {
		c.Skip(why)
	}
}

// reported returns the report of a wrong patch.
func (c *trial) reported() string {
	reports, _ := filepath.Glob(filepath.Join(c.b.Root(), "patch-*.txt"))
	if len(reports) == 0 {
		return ""
	}
	text, _ := os.ReadFile(reports[0])
	return string(text)
}

// behaviourIn is behaviour with one more variable in the environment. The program writes to a file: a pipe is not read
// to its end if the machine is so busy that the rest takes longer than process.Start waits for it.
func behaviourIn(t testing.TB, env, path string, args ...string) string {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(path, args...)
	cmd.Args[0] = "program" // the same for all paths
	cmd.Stdout, cmd.Stderr = out, out
	if env != "" {
		cmd.Env = append(os.Environ(), env)
	}
	p, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + p.Exit().String()
}
