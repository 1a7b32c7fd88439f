package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const script = `mkdir -p $WORK/b002/

#
# x.org/m/lib
#

cat >$WORK/b002/importcfg << 'EOF' # internal
# import config
packagefile embed=$WORK/b003/_pkg_.a
packagefile x.org/m/deep=$WORK/b004/_pkg_.a
EOF
cat >$WORK/b002/embedcfg << 'EOF' # internal
{
	"Files": {
		"a.txt": "/src/lib/a.txt"
	}
}EOF
cd /src
/go/compile -o $WORK/b002/_pkg_.a -trimpath "$WORK/b002=>" -p x.org/m/lib -buildid A/A -importcfg $WORK/b002/importcfg -embedcfg $WORK/b002/embedcfg -pack ./lib/lib.go "/src/lib/a b.go" .2/lib/c.go
go tool buildid -w $WORK/b002/_pkg_.a # internal
echo '# import config' > $WORK/b004/importcfg # internal
X="1" Y='a b' /go/compile -o $WORK/b004/_pkg_.a -trimpath "$WORK/b004=>" -p x.org/m/deep -buildid B/B -importcfg $WORK/b004/importcfg -pack -asmhdr $WORK/b004/go_asm.h ./deep/deep.go
/go/asm -p x.org/m/deep -o $WORK/b004/x.o ./deep/x.s
/go/compile -o $WORK/b003/_pkg_.a -p embed -buildid C/C -importcfg $WORK/b003/importcfg -pack /go/src/embed.go
/go/compile -o $WORK/b001/_pkg_.a -trimpath "$WORK/b001=>" -p main -buildid D/D -importcfg $WORK/b001/importcfg -pack ./main.go
cat >$WORK/b001/importcfg.link << 'EOF' # internal
packagefile x.org/m=$WORK/b001/_pkg_.a
packagefile x.org/m/lib=$WORK/b002/_pkg_.a
packagefile embed=$WORK/b003/_pkg_.a
packagefile x.org/m/deep=$WORK/b004/_pkg_.a
modinfo "0w\xaf"
EOF
mkdir -p $WORK/b001/exe/
cd .
GOROOT='/go' /go/link -o $WORK/b001/exe/a.out -importcfg $WORK/b001/importcfg.link -buildid=L/D/D/L -w -X=a.b=./c $WORK/b001/_pkg_.a
mv $WORK/b001/exe/a.out /tmp/x
`

func parse(t *testing.T, text string) *Script {
	t.Helper()
	s, err := Parse(text, "/src", func(file string) bool { return strings.HasPrefix(file, "/src") })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParse(t *testing.T) {
	s := parse(t, script)
	if len(s.Compiles) != 3 {
		t.Fatalf("have %d packages, want those of /src alone", len(s.Compiles))
	}
	lib, deep, main := s.Compiles[0], s.Compiles[1], s.Compiles[2]
	if want := []string{"/src/lib/lib.go", "/src/lib/a b.go", "/src2/lib/c.go"}; !slices.Equal(lib.Files, want) {
		t.Errorf("have files %q, want %q", lib.Files, want)
	}
	if want := []string{"embed", "x.org/m/deep"}; !slices.Equal(lib.Imports, want) || lib.Dir != "/src" {
		t.Errorf("have imports %q in %s, want %q", lib.Imports, lib.Dir, want)
	}
	if !strings.HasSuffix(lib.Embed, "}\n}") || lib.Odd != "" {
		t.Errorf("have embedcfg %q, odd %q", lib.Embed, lib.Odd)
	}
	if deep.Odd == "" || !slices.Equal(deep.Env, []string{"X=1", "Y=a b"}) {
		t.Errorf("have %+v: assembly has a part in it, and it has an environment", deep)
	}
	if main.ImportPath != "x.org/m" || s.Link.Main != "x.org/m" {
		t.Errorf("main is %q and %q, want x.org/m", main.ImportPath, s.Link.Main)
	}
	if want := []string{"-w", "-X=a.b=./c"}; !slices.Equal(s.Link.Argv[6:8], want) || s.Link.Dir != "/src" {
		t.Errorf("have linker flags %q in %s, want %q", s.Link.Argv, s.Link.Dir, want)
	}
	run := lib.In(lib.Folder, "/w", "ID")
	if have, want := strings.Join(run.Argv[:9], " "),
		"/go/compile -o /w/_pkg_.a -trimpath /w=> -p x.org/m/lib -buildid ID"; have != want {
		t.Errorf("have %s, want %s", have, want)
	}
	if strings.Contains(lib.Key(), "A/A") || lib.Key() != run.withArgv(lib.Argv).Key() {
		t.Errorf("the key depends on the build ID: %s", lib.Key())
	}
	config := Fill(s.Link.Config, func(path string) string { return "/cache/" + filepath.Base(path) })
	if want := "packagefile x.org/m=/cache/m\npackagefile x.org/m/lib=/cache/lib\npackagefile embed=/cache/embed\n" +
		"packagefile x.org/m/deep=/cache/deep\nmodinfo \"0w\\xaf\"\n"; config != want {
		t.Errorf("have %q, want %q", config, want)
	}
}

func (c Command) withArgv(argv []string) Command { c.Argv = argv; return c }

func TestParseDoubts(t *testing.T) {
	for name, edit := range map[string][2]string{
		"no end": {"modinfo \"0w\\xaf\"\nEOF\n", ""},
		"two links": {"mkdir -p $WORK/b001/exe/",
			"/go/link -o $WORK/b009/exe/a.out -importcfg $WORK/b009/importcfg.link $WORK/b009/_pkg_.a"},
		"no link":            {"/go/link", "/go/other"},
		"linker reads more":  {"-w -X", "-fipso $WORK/b001/fips.o -X"},
		"open quote":         {"\"$WORK/b001=>\"", "\"$WORK/b001=>"},
		"main is not listed": {"packagefile x.org/m=$WORK/b001/_pkg_.a\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(script, edit[0], edit[1], 1)
			if text == script {
				t.Fatal("nothing is edited")
			}
			if s, err := Parse(text, "/src", func(string) bool { return true }); err == nil {
				t.Errorf("have %+v", s)
			}
		})
	}
}

func TestOdd(t *testing.T) {
	for name, edit := range map[string][2]string{
		"cgo":      {"cd /src\n", "cd /src\n/go/cgo -objdir $WORK/b002/ -- ./lib/lib.go\n"},
		"profile":  {"-buildid A/A", "-buildid A/A -pgoprofile=$WORK/b005/pgo"},
		"a name":   {"/src/lib/a b.go", "/src/lib/a .go"},
		"made .go": {"./lib/lib.go", "./lib/lib.go $WORK/b002/_cgo_gotypes.go"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(script, edit[0], edit[1], 1)
			if s := parse(t, text); text == script || s.Compiles[0].Odd == "" {
				t.Errorf("have %+v", s.Compiles[0])
			}
		})
	}
}

func TestContentHashFindsIDsAcrossChunks(t *testing.T) {
	id := "hotreload_fast_build/x"
	for size := len(id); size < 80; size++ {
		for at := 0; at+2*len(id) <= size; at++ {
			content := bytes.Repeat([]byte("h"), size)
			copy(content[at:], id+id)
			want := bytes.Repeat([]byte("h"), size)
			clear(want[at : at+2*len(id)])
			have, found, err := contentHash(bytes.NewReader(content), id, nil, len(id)+3)
			if err != nil || found != 2 || have != sha256.Sum256(want) {
				t.Fatalf("size %d, at %d: found %d, %v", size, at, found, err)
			}
		}
	}
}

// The hash is the one that go itself has put into a binary, for every kind of binary that this machine can make.
func TestContentHashIsThatOfGo(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() { println(1) }\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	systems := []string{""}
	if os.Getenv("HOTRELOAD_SOAK") != "" {
		systems = append(systems, "linux/arm64", "darwin/arm64", "darwin/amd64", "windows/amd64", "freebsd/amd64")
	}
	for _, system := range systems {
		t.Run(system, func(t *testing.T) {
			goos, goarch, _ := strings.Cut(system, "/")
			out := filepath.Join(dir, "out")
			cmd := exec.Command("go", "build", "-o", out, filepath.Join(dir, "main.go"))
			cmd.Dir = dir
			if cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off"); goos != "" {
				cmd.Env = append(cmd.Env, "GOOS="+goos, "GOARCH="+goarch)
			}
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			text, _ := os.ReadFile(out)
			id := regexp.MustCompile(`[\w-]{20}/[\w-]{20}/[\w-]{20}/[\w-]{20}`).FindString(string(text))
			sum, found, err := ContentHash(out, id)
			if err != nil || found == 0 {
				t.Fatalf("found %q %d times, %v", id, found, err)
			}
			if have := base64.RawURLEncoding.EncodeToString(sum[:15]); !strings.HasSuffix(id, "/"+have) {
				t.Errorf("have %s, want the end of %s", have, id)
			}
		})
	}
}

func TestReadArchive(t *testing.T) {
	write := func(name, export, code string) Archive {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		text := archiveMagic + "__.PKGDEF       0           0     0     644     " + pad(len(export)) + "`\n" +
			export + code
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := ReadArchive(path)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := write("a", "go object linux\nbuild id \"A/B\"\n\n$$B\nexport", "code")
	id := write("id", "go object linux\nbuild id \"A/C\"\n\n$$B\nexport", "code")
	code := write("code", "go object linux\nbuild id \"A/B\"\n\n$$B\nexport", "other code")
	export := write("export", "go object linux\nbuild id \"A/B\"\n\n$$B\nexporT", "code")
	version := write("version", "go object linuX\nbuild id \"A/B\"\n\n$$B\nexport", "code")
	if a.ID != "A/B" || id.ID != "A/C" {
		t.Errorf("have IDs %s, %s", a.ID, id.ID)
	}
	if a.Export != id.Export || a.Export != code.Export || a.Export == export.Export || a.Export == version.Export {
		t.Error("export data are what stands before the code, without the build ID")
	}
	if a.All == id.All || a.All == code.All || a.All == export.All {
		t.Error("different files have one sum")
	}
	for _, text := range []string{"", "ELF", archiveMagic + "other"} {
		path := filepath.Join(t.TempDir(), "bad")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadArchive(path); err == nil {
			t.Errorf("%q is taken for an archive", text)
		}
	}
}

func pad(n int) string {
	const width = 10
	digits := ""
	for ; n > 0; n /= 10 {
		digits = string(rune('0'+n%10)) + digits
	}
	return digits + strings.Repeat(" ", width-len(digits))
}

// A binary with another build ID has the same content, for go and for us.
func TestRestamp(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only ELF files are stamped again")
	}
	path := filepath.Join(t.TempDir(), "program")
	content, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o700); err != nil {
		t.Fatal(err)
	}
	stamp := func() string {
		out, err := exec.Command("go", "tool", "buildid", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	old := stamp()
	before, _, err := ContentHash(path, old)
	if err != nil || len(old) != len(NewID()) {
		t.Fatalf("the test has the build ID %q: %v", old, err)
	}
	id := NewID()
	if err := Restamp(path, id); err != nil {
		t.Fatal(err)
	}
	if now := stamp(); now != id {
		t.Errorf("the build ID is %q, want %q", now, id)
	}
	if after, found, err := ContentHash(path, id); err != nil || found == 0 || after != before {
		t.Errorf("found %d times, the content is another: %v (%v)", found, after != before, err)
	}
	if out, err := exec.Command(path, "-test.run=^$").CombinedOutput(); err != nil {
		t.Errorf("it does not run: %v\n%s", err, out)
	}
}
