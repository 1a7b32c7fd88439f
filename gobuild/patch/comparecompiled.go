package patch

import (
	"bytes"
	"fmt"
)

// notAsCompiled names what the runtime knows of a function in another way than the compiler has told; "" if there is no
// such thing. root stands for $GOROOT in names of files.
func (c *comparison) notAsCompiled(g *function, d def, root string) string {
	info := d.o.info(d.i)
	if info == nil {
		return "" // assembly: without tables
	}
	for _, field := range []struct {
		have, want uint32
		name       string
	}{
		{g.u32(8), info.args(), "size of arguments"}, {g.u32(12), c.p.deferCall(c.p, d), "deferreturn"},
		{g.u32(36), info.startLine(), "first line"}, {uint32(g.raw[40]), uint32(info.id()), "kind"},
		{uint32(g.raw[41]), uint32(info.flag()), "flag"},
	} {
		if field.have != field.want {
			return field.name
		}
	}
	for _, i := range info.files() {
		if g.file(int32(i)) != expand(d.o.file(i), root) {
			return "file"
		}
	}
	calls := info.inlined()
	for i, call := range calls {
		if !c.callAsCompiled(g, uint64(i), d.o, call) {
			return "tree of inlined calls"
		}
	}
	return c.tablesNotAsCompiled(g, d, len(calls) > 0)
}

// tablesNotAsCompiled is notAsCompiled for values by program counter, and for the number of tables.
func (c *comparison) tablesNotAsCompiled(g *function, d def, inlines bool) string {
	pcdata, funcdata := 0, 0
	same := func(at uint32, r ref) bool {
		t := c.p.def(c.p.resolve(d.o, r))
		if !t.known() || len(t.content()) == 0 {
			return at == 0
		}
		return at != 0 && bytes.HasPrefix(g.image.tail(g.module.pctab+uint64(at)), t.content())
	}
	numbered := func(k int) uint32 {
		if k >= g.pcdata() {
			return none32
		}
		return le.Uint32(g.image.at(g.at+funcSize+4*uint64(k), 4))
	}
	for _, a := range d.auxes() {
		at, what := uint32(0), ""
		switch a.kind() {
		case auxPcsp:
			at, what = g.u32(16), "stack size by pc"
		case auxPcfile:
			at, what = g.u32(20), "table of files"
		case auxPcline:
			at, what = g.u32(24), "table of lines"
		case auxPcinline:
			if !inlines {
				continue
			}
			at, what = numbered(pcdataInlTree), "table of inlined calls"
		case auxPcdata:
			pcdata++
			if pcdata == pcdataInlTree+1 && inlines {
				continue
			}
			at, what = numbered(pcdata-1), fmt.Sprintf("table %d by pc", pcdata-1)
		case auxFuncdata:
			funcdata++
			continue
		default:
			continue
		}
		if !same(at, a.target()) {
			return what
		}
	}
	if inlines {
		pcdata, funcdata = max(pcdata, pcdataInlTree+1), max(funcdata, funcdataInlTree+1)
	}
	if g.pcdata() != pcdata || g.funcdatas() != funcdata {
		return "number of tables"
	}
	return ""
}

// callAsCompiled compares entry i of the tree of inlined calls, a runtime.inlinedCall, with what the compiler has told.
func (c *comparison) callAsCompiled(g *function, i uint64, o *object, call inlined) bool {
	tree := g.funcdata(funcdataInlTree)
	f := c.p.def(c.p.resolve(o, call.function))
	b := g.image.at(tree+16*i, 16)
	if tree == 0 || b == nil || !f.known() {
		return false
	}
	info := f.o.info(f.i)
	return info != nil && b[0] == info.id() && le.Uint32(b[8:]) == call.parentPC &&
		le.Uint32(b[12:]) == info.startLine() && g.nameAt(le.Uint32(b[4:])) == f.name()
}
