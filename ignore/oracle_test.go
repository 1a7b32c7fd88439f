package ignore

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// gitRepo is an empty repository. Its answers to git check-ignore are the oracle of these tests.
type gitRepo struct {
	t    *testing.T
	root string
}

func newGitRepo(t *testing.T) *gitRepo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is the oracle of this test and is not installed")
	}
	r := &gitRepo{t, realTempDir(t)}
	r.git(r.root, nil, "init", "-q")
	return r
}

// realTempDir returns a temporary folder without symbolic links in its path: git would resolve them.
func realTempDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (r *gitRepo) git(dir string, stdin []byte, args ...string) []byte {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "core.ignoreCase=false", "-c", "core.precomposeUnicode=false",
		"-c", "core.excludesFile=", "-c", "protocol.file.allow=always", "-c", "user.name=t", "-c",
		"user.email=t@t"}, args...)...)
	cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == 1 && args[0] == "check-ignore" {
		err = nil // none of the paths is ignored
	}
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return out
}

// verdicts asks git about paths from the repository's root: "kept", or ignored/kept and "file:line" of the rule.
func (r *gitRepo) verdicts(paths []string) []string {
	r.t.Helper()
	if len(paths) == 0 {
		return nil
	}
	out := r.git(r.root, []byte(strings.Join(paths, "\x00")+"\x00"), "check-ignore", "--no-index", "-v", "-n", "-z",
		"--stdin")
	fields := strings.Split(string(out), "\x00")
	if len(fields) != 4*len(paths)+1 {
		r.t.Fatalf("git answered %d fields about %d paths", len(fields), len(paths))
	}
	answers := make([]string, len(paths))
	for i := range paths {
		source, line, rule := fields[4*i], fields[4*i+1], fields[4*i+2]
		if got := fields[4*i+3]; got != paths[i] {
			r.t.Fatalf("git answered about %q where %q was asked", got, paths[i])
		}
		if source == "" {
			answers[i] = verdict(false, "", 0)
			continue
		}
		n, err := strconv.Atoi(line)
		if err != nil {
			r.t.Fatal(err)
		}
		answers[i] = verdict(!strings.HasPrefix(rule, "!"), source, n)
	}
	return answers
}

func verdict(ignored bool, file string, line int) string {
	word := "kept"
	if ignored {
		word = "ignored"
	}
	if file == "" {
		return word
	}
	return fmt.Sprintf("%s by %s:%d", word, file, line)
}

// verdictOf returns the answer of m, in the format of gitRepo.verdicts. Built-in rules count as no rules, because git
// does not have them.
func verdictOf(m *Matcher, root, path string, isDir bool) string {
	got := m.Match(filepath.Join(root, path), isDir)
	if got.Rule == nil || got.Rule.File == "built-in" {
		return verdict(false, "", 0)
	}
	file := got.Rule.File
	if rel, err := filepath.Rel(root, file); err == nil && filepath.IsAbs(file) {
		file = filepath.ToSlash(rel)
	}
	return verdict(got.Ignored, file, got.Rule.Line)
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func makeDir(t testing.TB, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o777); err != nil {
		t.Fatal(err)
	}
}

func mustLoad(t testing.TB, dirs []string, opts Options) *Matcher {
	t.Helper()
	m, errs := Load(dirs, opts)
	for _, err := range errs {
		t.Error(err)
	}
	return m
}
