package gobuild

import "testing"

func TestHeader(t *testing.T) {
	const base = "// Package p.\npackage p\n\nimport \"fmt\"\n\nfunc F() { fmt.Println() }\n"
	const embed = "package p\nimport _ \"embed\"\n//go:embed a.txt\nvar s string\n"
	const cgo = "package p\n\n// #cgo LDFLAGS: -lm\n// int f(void);\nimport \"C\"\n\nfunc F() {}\n"
	for _, c := range []struct {
		name, old, new string
		differs        bool
	}{
		{"body", base, base + "func G() {}\n", false},
		{"broken body", base, base + "func {{{\n", false},
		{"package comment", base, "// Package p does.\n" + base[len("// Package p.\n"):], false},
		{"comment among imports", base, "package p\n\n// printing\nimport \"fmt\"\n", false},
		{"package clause", base, "package q\nimport \"fmt\"\n", true},
		{"import more", base, "package p\nimport \"fmt\"\nimport \"os\"\n", true},
		{"import renamed", base, "package p\nimport f \"fmt\"\n", false},
		{"constraint", base, "//go:build linux\n\n" + base, true},
		{"old constraint", base, "// +build linux\n\n" + base, true},
		{"constraint below the clause", base, base + "//go:build linux\n", false},
		{"broken header", base, "pakage p\n", true},
		{"broken import", base, "package p\nimport \"fmt\n", true},
		{"empty", base, "", true},
		{"embed other", embed, "package p\nimport _ \"embed\"\n//go:embed b.txt\nvar s string\n", true},
		{"embed in a group", embed, "package p\nimport _ \"embed\"\nvar (\n\t//go:embed a.txt b\n\ts string\n)\n",
			true},
		{"embed, code changed", embed, embed + "var x int\n", false},
		{"embed line without embed", base, base + "//go:embed x\nvar s string\n", false},
		{"preamble", cgo, "package p\n\n// #cgo LDFLAGS: -lz\n// int f(void);\nimport \"C\"\n\nfunc F() {}\n", true},
		{"cgo body", cgo, cgo + "func G() {}\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			old, now := goHeader([]byte(c.old)), goHeader([]byte(c.new))
			if old == broken {
				t.Fatal("the old one is broken")
			}
			if (old != now) != c.differs {
				t.Errorf("differs: %v, want %v", old != now, c.differs)
			}
		})
	}
}
