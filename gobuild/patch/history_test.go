package patch

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestHistory patches the newest commits of a repository that change Go code, each onto the one before, and compares
// with the exact links:
//
//	HOTRELOAD_PATCH_HISTORY=DIR HOTRELOAD_PATCH_PACKAGE=./cmd/x HOTRELOAD_PATCH_COMMITS=50 go test -run History -v
//
// DIR is a clone of the repository that the test may check out.
func TestHistory(t *testing.T) {
	dir := os.Getenv("HOTRELOAD_PATCH_HISTORY")
	if dir == "" {
		t.Skip("HOTRELOAD_PATCH_HISTORY names no repository")
	}
	s := &source{dir: dir, pkg: os.Getenv("HOTRELOAD_PATCH_PACKAGE")}
	limit, _ := strconv.Atoi(os.Getenv("HOTRELOAD_PATCH_COMMITS"))
	git := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).Output()
		if err != nil {
			t.Fatalf("git %v: %v %s", args, err, stderr(err))
		}
		return strings.TrimSpace(string(out))
	}
	commits := strings.Fields(git("rev-list", "--first-parent", "--reverse", "-n", strconv.Itoa(limit+1), "HEAD", "--",
		"*.go"))
	defer git("checkout", "-q", commits[len(commits)-1])
	var base *Base
	var packages map[string]string // of the base
	patched, same, unfit := 0, 0, 0
	for _, commit := range commits {
		git("checkout", "-q", commit)
		changed, err := s.tryCompile()
		if err != nil {
			t.Logf("%.8s does not compile", commit)
			continue
		}
		if base != nil && len(changed) == 0 {
			same++
			continue
		}
		began := time.Now()
		link, err := s.tryLink(t)
		linked := time.Since(began)
		if err != nil {
			t.Logf("%.8s does not link: %v", commit, err) // old code, with a new toolchain
			if base != nil {
				_ = base.Close()
				base = nil
			}
			continue
		}
		out := filepath.Join(t.TempDir(), "patched")
		var report Report
		began = time.Now()
		gone := missing(packages, link.Archives)
		packages = link.Archives
		if base != nil {
			report, err = base.Patch(t.Context(), changes(changed), out)
			_ = base.Close()
		}
		took := time.Since(began)
		exact, openErr := Open(t.Context(), link)
		if openErr != nil {
			t.Fatalf("%s: %v", commit, openErr)
		}
		var refused *Unfit
		switch {
		case base == nil:
		case gone != "":
			unfit++
			t.Logf("%.8s %d packages: package %s is not linked any more", commit, len(changed), gone)
		case errors.As(err, &refused):
			unfit++
			t.Logf("%.8s %d packages: %s", commit, len(changed), refused.Why)
		case err != nil:
			t.Errorf("%s: %v", commit, err)
		default:
			patched++
			differences, err := exact.Compare(t.Context(), out, 10)
			t.Logf("%.8s %d packages, patch %v, link %v: %+v, %d differences", commit,
				len(changed), took, linked, report, len(differences))
			for _, d := range differences {
				t.Errorf("%.8s: %v", commit, d)
			}
			if err != nil {
				t.Errorf("%s: %v", commit, err)
			}
			_ = os.Remove(out)
		}
		base = exact
	}
	if base != nil {
		_ = base.Close()
	}
	t.Logf("%d patched, %d unfit, %d without a change", patched, unfit, same)
}

// missing returns a package that is linked no more, "" if there is none. Package gobuild links then.
func missing(before, now map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if now[name] == "" {
			return name
		}
	}
	return ""
}
