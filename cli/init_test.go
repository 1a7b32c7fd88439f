package cli

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/editors"
	"hotreload/settings"
)

// inits runs hotreload init and returns its output and error.
func inits(args ...string) (out, about string, err error) {
	var printed, told bytes.Buffer
	root := newCommand(&line{values: settings.NewValues()})
	root.SetArgs(append([]string{"init"}, args...))
	root.SetOut(&printed)
	root.SetErr(&told)
	err = root.Execute()
	return printed.String(), told.String(), err
}

// TestInitPrintsAndWrites: init writes the text that it prints, and leaves existing files alone.
func TestInitPrintsAndWrites(t *testing.T) {
	args := []string{"./cmd/web", "--name", `a "b" & c`}
	for _, e := range editors.All() {
		t.Run(e.Name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			text, about, err := inits(append([]string{e.Name}, args...)...)
			if err != nil || text == "" {
				t.Fatalf("%v, and %q", err, text)
			}
			if names, _ := filepath.Glob("*"); len(names) > 0 {
				t.Errorf("printing has written %v", names)
			}
			out, _, err := inits(append([]string{e.Name, "--write"}, args...)...)
			if err != nil {
				t.Fatal(err)
			}
			var paths []string
			for line := range strings.Lines(out) {
				if path, found := strings.CutPrefix(line, "wrote "); found {
					paths = append(paths, strings.TrimSpace(path))
				}
			}
			if !strings.HasSuffix(out, "\nnext: "+e.Next+"\n") || len(paths) == 0 {
				t.Errorf("have %q", out)
			}
			all := ""
			for _, path := range paths {
				if !strings.Contains(about, "# "+path+" (--write writes it)\n") {
					t.Errorf("%s is not announced: %q", path, about)
				}
				written, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				wellFormed(t, path, string(written))
				all += string(written)
			}
			if all != text {
				t.Errorf("the files are not what is printed:\n%s", all)
			}
			for _, path := range paths {
				if err := os.WriteFile(path, []byte("mine"), 0o666); err != nil {
					t.Fatal(err)
				}
				_, _, err = inits(e.Name, "--write")
				if err == nil || !strings.Contains(err.Error(), path+" exists, and stays as it is") || hintOf(err) == "" {
					t.Errorf("over a file: %v", err)
				}
				if kept, _ := os.ReadFile(path); string(kept) != "mine" {
					t.Errorf("the file was overwritten: %q", kept)
				}
			}
		})
	}
}

// TestInitWritesWhatIsMissing: init writes only the missing files.
func TestInitWritesWhatIsMissing(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir(".vscode", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(".vscode/tasks.json", []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	out, _, err := inits("vscode", "--write")
	if err == nil || out != "wrote .vscode/launch.json\n" {
		t.Errorf("%v, and %q", err, out)
	}
}

// TestInitKnowsTheDebuggersAddress: editors attach where the started hotreload opens its debugger.
func TestInitKnowsTheDebuggersAddress(t *testing.T) {
	for _, c := range []struct{ name, usual, other, six string }{
		{"vscode", `"host": "127.0.0.1", "port": 2345`, `"host": "127.0.0.1", "port": 4000`, `"host": "::1", "port": 7`},
		{"zed", `"host": "127.0.0.1", "port": 2345`, `"host": "127.0.0.1", "port": 4000`, `"host": "::1", "port": 7`},
		{"jetbrains", `host="127.0.0.1" port="2345"`, `host="127.0.0.1" port="4000"`, `host="::1" port="7"`},
		{"neovim", `host = '127.0.0.1', port = 2345`, `host = '127.0.0.1', port = 4000`, `host = '::1', port = 7`},
	} {
		for _, args := range []struct {
			want string
			args []string
		}{
			{c.usual, nil},
			{c.usual, []string{"--", "--debugger", "--workers", "2", "."}},
			{c.usual, []string{".", "--debugger=4000"}}, // the program's
			{c.other, []string{"--", "-race", "--debugger=4000", "."}},
			{c.six, []string{"--", "-debugger=[::1]:7"}},
		} {
			if out, _, err := inits(append([]string{c.name}, args.args...)...); err != nil || !strings.Contains(out, args.want) {
				t.Errorf("%s %q: %v, want %s in\n%s", c.name, args.args, err, args.want, out)
			}
		}
	}
	for _, args := range [][]string{{"--debugger=192.168.0.1:1"}, {"--no-such-flag", "."}} {
		_, _, err := inits(append([]string{"vscode", "--"}, args...)...)
		if err == nil || !errors.As(err, new(settings.UsageError)) || hintOf(err) == "" {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// wellFormed checks the syntax of a file, and the arguments of hotreload if the file starts hotreload.
func wellFormed(t *testing.T, path, text string) {
	t.Helper()
	var err error
	want := ""
	switch filepath.Ext(path) {
	case ".json":
		var any any
		err = json.Unmarshal([]byte(text), &any)
		if filepath.Base(path) == "tasks.json" {
			want = `"args": ["./cmd/web", "--name", "a \"b\" & c"]`
		}
	case ".xml":
		for decoder := xml.NewDecoder(strings.NewReader(text)); err == nil; {
			_, err = decoder.Token()
		}
		if err == io.EOF {
			err = nil
		}
		if filepath.Base(path) == "hotreload.run.xml" {
			want = `value="hotreload ./cmd/web --name &#39;a &#34;b&#34; &amp; c&#39;"`
		}
	}
	if err != nil || !strings.Contains(text, want) {
		t.Errorf("%s: %v, want %s in\n%s", path, err, want, text)
	}
}

func TestInitOfAnUnknownEditor(t *testing.T) {
	if _, _, err := inits("emacs"); err == nil || !strings.Contains(hintOf(err), "vscode, neovim") {
		t.Errorf("%v, with the hint %q", err, hintOf(err))
	}
}
