package killswitch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// TestMain: the test binary is also the writer in another process.
func TestMain(m *testing.M) {
	file := File{os.Getenv("KILLSWITCH")}
	switch os.Getenv("PART") {
	case "":
		os.Exit(m.Run())
	case "disable": // disables the arguments, one after the other
		for _, service := range os.Args[1:] {
			if _, err := file.Disable(service); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
	case "die": // exits between write and rename, like kill -9
		testOnlyWritten = func() {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {}
		}
		fmt.Println(file.Disable(os.Args[1:]...))
	}
}

func play(file File, part string, services ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], services...)
	cmd.Env = append(os.Environ(), "PART="+part, "KILLSWITCH="+file.Path)
	return cmd
}

func newFile(t *testing.T) File { return File{filepath.Join(t.TempDir(), "state", "disabled.json")} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// says fails the test unless the file contains this state.
func (f File) says(t *testing.T, want State) {
	t.Helper()
	have, err := f.Read()
	if err != nil || !reflect.DeepEqual(have.tidy(), want.tidy()) {
		t.Fatalf("have %+v, error %v, want %+v", have, err, want)
	}
}

func TestNoFileAllowsEverything(t *testing.T) {
	file := newFile(t)
	file.says(t, State{})
	must(t, file.Allows("web"))
	if _, err := os.Stat(filepath.Dir(file.Path)); err == nil {
		t.Error("Read created a folder")
	}
}

func TestDisableAndEnable(t *testing.T) {
	file := newFile(t)
	steps := []struct {
		name string
		do   func() (State, error)
		want State
	}{
		{"disable several", func() (State, error) { return file.Disable("web", "mail") },
			State{Services: []string{"mail", "web"}}},
		{"disable again", func() (State, error) { return file.Disable("web") },
			State{Services: []string{"mail", "web"}}},
		{"disable globally", file.DisableGlobally, State{Global: true, Services: []string{"mail", "web"}}},
		{"enable one, globally off", func() (State, error) { return file.Enable("web") },
			State{Global: true, Services: []string{"mail"}}},
		{"enable globally", file.EnableGlobally, State{Services: []string{"mail"}}},
		{"enable what is not off", func() (State, error) { return file.Enable("web") },
			State{Services: []string{"mail"}}},
		{"disable nothing", func() (State, error) { return file.Disable() }, State{Services: []string{"mail"}}},
	}
	var last State
	for _, s := range steps {
		before, err := s.do()
		if err != nil || !reflect.DeepEqual(before.tidy(), last.tidy()) {
			t.Fatalf("%s: the state before is %+v, error %v, want %+v", s.name, before, err, last)
		}
		file.says(t, s.want)
		last = s.want
	}
	must(t, file.EnableAll())
	file.says(t, State{})
}

// The example from EXSyst: save the state, disable, and restore the saved state.
func TestSaveAndRestore(t *testing.T) {
	file := newFile(t)
	_, err := file.Disable("mail")
	must(t, err)
	saved, err := file.DisableGlobally()
	must(t, err)
	_, err = file.Disable("web", "api")
	must(t, err)
	must(t, file.Restore(saved))
	file.says(t, State{Services: []string{"mail"}})
}

// An unreadable file disables everything and is named in the error. Update does not change it.
func TestFailsClosed(t *testing.T) {
	for _, c := range []struct {
		name, want string
		make       func(path string) error
	}{
		{"corrupt", "invalid character", func(path string) error { return os.WriteFile(path, []byte("oops"), 0o600) }},
		{"empty", "empty", func(path string) error { return os.WriteFile(path, nil, 0o600) }},
		{"half", "in the middle",
			func(path string) error { return os.WriteFile(path, []byte(`{"global": fal`), 0o600) }},
		{"huge", "too many for a kill switch",
			func(path string) error { return os.WriteFile(path, make([]byte, mostText+1), 0o600) }},
		{"folder", "not a regular file", func(path string) error { return os.Mkdir(path, 0o700) }},
		{"link to nothing", "broken symbolic link", func(path string) error { return os.Symlink("nothing", path) }},
		{"folder is a file", "not a directory", func(path string) error {
			must(t, os.Remove(filepath.Dir(path)))
			return os.WriteFile(filepath.Dir(path), nil, 0o600)
		}},
		{"unreadable", "permission denied", func(path string) error {
			if os.Getuid() == 0 {
				return errors.ErrUnsupported
			}
			return os.WriteFile(path, []byte("{}"), 0)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && (c.name == "link to nothing" || c.name == "folder is a file" ||
				c.name == "unreadable") {
				t.Skip("Windows words these errors in another way")
			}
			file := newFile(t)
			must(t, os.MkdirAll(filepath.Dir(file.Path), 0o700))
			if err := c.make(file.Path); errors.Is(err, errors.ErrUnsupported) {
				t.Skip("root can read everything")
			} else {
				must(t, err)
			}
			var problem *Problem
			err := file.Allows("web")
			if !errors.As(err, &problem) || !strings.Contains(err.Error(), c.want) ||
				!strings.Contains(err.Error(), file.Path) {
				t.Errorf("have %v, want a problem with %s: %s", err, file.Path, c.want)
			}
			if _, err := file.Disable("web"); err == nil {
				t.Error("Update changed an unreadable file")
			}
			if again := file.Allows("web"); again == nil {
				t.Error("Update changed an unreadable file, which now allows starts")
			}
		})
	}
}

func TestCorruptCanBeReplaced(t *testing.T) {
	file := newFile(t)
	must(t, os.MkdirAll(filepath.Dir(file.Path), 0o700))
	must(t, os.WriteFile(file.Path, []byte("oops"), 0o640))
	must(t, file.EnableAll())
	file.says(t, State{})
	if info, err := os.Stat(file.Path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("have %v, %v, want the previous mode", info.Mode(), err)
	}
}

func TestLinkStaysALink(t *testing.T) {
	file := newFile(t)
	must(t, os.MkdirAll(filepath.Dir(file.Path), 0o700))
	real := filepath.Join(t.TempDir(), "real.json")
	must(t, os.WriteFile(real, []byte("{}"), 0o600))
	if err := os.Symlink(real, file.Path); err != nil {
		t.Skip("this system makes no symbolic links: ", err)
	}
	_, err := file.Disable("web")
	must(t, err)
	File{real}.says(t, State{Services: []string{"web"}})
	if info, err := os.Lstat(file.Path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("have %v, %v, want a link", info.Mode(), err)
	}
}

// No change is lost among many writers in several processes, and readers never see half a file.
func TestManyWriters(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes: not with -short")
	}
	const processes, goroutines, names = 4, 8, 10
	file := newFile(t)
	var want []string
	var writers sync.WaitGroup
	for p := range processes {
		var own []string
		for n := range names {
			own = append(own, fmt.Sprintf("process%d-%d", p, n))
		}
		want = append(want, own...)
		writers.Go(func() {
			if out, err := play(file, "disable", own...).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	for g := range goroutines {
		for n := range names {
			want = append(want, fmt.Sprintf("goroutine%d-%d", g, n))
		}
		writers.Go(func() {
			for n := range names {
				if _, err := file.Disable(fmt.Sprintf("goroutine%d-%d", g, n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }() // ends with the writers
	for seen := 0; ; {
		s, err := file.Read()
		if err != nil || len(s.Services) < seen {
			t.Errorf("have %d services after %d, error %v", len(s.Services), seen, err)
		}
		seen = len(s.Services)
		select {
		case <-done:
		default:
			continue
		}
		break
	}
	file.says(t, State{Services: want})
	files, err := os.ReadDir(filepath.Dir(file.Path))
	if err != nil || len(files) != 2 {
		t.Errorf("have %v, %v, want the file and its lock", files, err)
	}
}

// A writer that is killed between writing and renaming has changed nothing, and does not block other writers.
func TestWriterIsKilled(t *testing.T) {
	file := newFile(t)
	_, err := file.Disable("mail")
	must(t, err)
	if out, err := play(file, "die", "web").CombinedOutput(); err == nil || len(out) > 0 {
		t.Fatalf("the writer was not killed: %v, %s", err, out)
	}
	if _, err := os.Stat(file.Path + ".new"); err != nil {
		t.Fatalf("the writer was not killed between write and rename: %v", err)
	}
	file.says(t, State{Services: []string{"mail"}})
	_, err = file.Disable("api")
	must(t, err)
	file.says(t, State{Services: []string{"api", "mail"}})
	if _, err := os.Stat(file.Path + ".new"); err == nil {
		t.Error("the killed writer's file is still there")
	}
}

func TestDefault(t *testing.T) {
	state, root := t.TempDir(), t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	t.Setenv("LocalAppData", state)
	one, err := Default(root)
	must(t, err)
	other, err := Default(filepath.Join(root, "other"))
	must(t, err)
	if one == other || !strings.HasPrefix(one.Path, state) {
		t.Errorf("have %v and %v, want two in %s", one, other, state)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Skip("this system makes no symbolic links: ", err)
	}
	if same, err := Default(link); err != nil || same != one {
		t.Errorf("have %v, %v, want %v: both paths are the same folder", same, err, one)
	}
}
