package patch

import (
	"container/heap"
	"strings"
)

// initOrder returns the init tasks of a program in the order in which the runtime runs them: each after the tasks of
// the packages that its package imports, otherwise by name. The rule is that of cmd/link/internal/ld/inittask.go. mark
// is the kind of relocation that names an import.
func initOrder(s scope, root id, mark uint16, known initTasks) ([]id, error) {
	if root == 0 || !s.def(root).known() {
		return nil, &Unfit{Why: "package main has no init task"}
	}
	waits := map[id]int{root: 0} // for how many imports a task waits
	above := map[id][]id{}       // the importers of a task
	var ready taskHeap
	for queue := []id{root}; len(queue) > 0; {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		d := s.def(n)
		if !d.known() {
			return nil, &Unfit{Why: "an imported package has no init task"}
		}
		t := known.of(s, n, d, mark)
		for _, imported := range t.imports {
			waits[n]++
			above[imported] = append(above[imported], n)
			if _, found := waits[imported]; !found {
				waits[imported] = 0
				queue = append(queue, imported)
			}
		}
		if waits[n] == 0 {
			ready = append(ready, task{t.name, n})
		}
	}
	heap.Init(&ready)
	var order []id
	for done := 0; ; done++ {
		if len(ready) == 0 {
			if done != len(waits) {
				return nil, &Unfit{Why: "the packages' init tasks depend on each other"}
			}
			return order, nil
		}
		next := heap.Pop(&ready).(task)
		if known.of(s, next.id, s.def(next.id), mark).works {
			order = append(order, next.id)
		}
		for _, n := range above[next.id] {
			if waits[n]--; waits[n] == 0 {
				heap.Push(&ready, task{known.of(s, n, s.def(n), mark).name, n})
			}
		}
	}
}

// initTasks has what the order depends on, without a look into the archives: a save would have to read a page of each.
type initTasks map[id]initTask

type initTask struct {
	d       def
	name    string
	works   bool // it has functions
	imports []id // the tasks of the imported packages
	byName  bool // all of these
}

// of returns the task with a definition. mark is as for initOrder.
func (known initTasks) of(s scope, n id, d def, mark uint16) initTask {
	if t, ok := known[n]; ok && t.d == d && t.byName { // others may have other numbers now
		return t
	}
	t := initTask{d: d, name: strings.Clone(d.name()), works: d.sym().size() > emptyTask, byName: true}
	relocs := d.relocs()
	for j := range relocs {
		if relocs[j].kind() == mark {
			t.imports = append(t.imports, s.resolve(d.o, relocs[j].target()))
			t.byName = t.byName && relocs[j].target().pkg == refNone
		}
	}
	if known != nil {
		known[n] = t
	}
	return t
}

// emptyTask is the size of an init task without functions. The runtime must not get one.
const emptyTask = 8

func isInitTask(name string) bool { return strings.HasSuffix(name, "..inittask") }

type task struct {
	name string
	id   id
}

type taskHeap []task

func (h taskHeap) Len() int           { return len(h) }
func (h taskHeap) Less(i, j int) bool { return h[i].name < h[j].name }
func (h taskHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *taskHeap) Push(x any)        { *h = append(*h, x.(task)) }
func (h *taskHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
