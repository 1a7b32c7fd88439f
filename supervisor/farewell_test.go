package supervisor

import "testing"

func TestFarewells(t *testing.T) {
	old, fresh := Worker{ID: 1, Generation: 1}, Worker{ID: 2, Generation: 2}
	opens := func(w Worker, how FileUse) FileOpened {
		return FileOpened{Worker: w, Path: "/w/./app.pid", How: how}
	}
	both := []FileOpened{opens(old, ToWrite), opens(fresh, ToWrite)}
	for _, c := range []struct {
		name          string
		opened        []FileOpened
		before, after bool // whether the file exists
		leaves        Worker
		want          string
	}{
		{"removed", both, true, false, old, "/w/app.pid"},
		{"left alone", both, true, true, old, ""},
		{"gone before that", both, false, false, old, ""},
		{"the new one leaves", both, true, false, fresh, ""},
		{"the old one never wrote it", both[1:], true, false, old, ""},
		{"nor the new one", both[:1], true, false, old, ""},
		{"by os.OpenFile", []FileOpened{opens(old, ToReadOrWrite), both[1]}, true, false, old, "/w/app.pid"},
		{"only read", []FileOpened{opens(old, ToRead), both[1]}, true, false, old, ""},
	} {
		f := newFarewells()
		for _, e := range c.opened {
			f.opened(e)
		}
		f.leaves(c.leaves, func(string) bool { return c.before })
		if have := f.gone(c.leaves, func(string) bool { return c.after }); have != c.want {
			t.Errorf("%s: have %q, want %q", c.name, have, c.want)
		}
		f.forget(1)
		f.forget(2)
		if len(f.wrote)+len(f.there) > 0 {
			t.Errorf("%s: not forgotten: %+v", c.name, f)
		}
	}
}
