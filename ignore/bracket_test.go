package ignore

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

// TestBracketsAgainstGit asks git about every byte that can be in a name, for every class and some odd sets.
func TestBracketsAgainstGit(t *testing.T) {
	repo := newGitRepo(t)
	sets := []string{"[]]", "[]-a]", "[!]a]", "[^-a]", "[a-]", "[--0]", "[+--]", `[\--\]]`, "[a-c-e]", `[\\-a]`,
		"[!-~]", "[[:]",
		"[[:digit:]-a]", "[\x80-\xff]", "[^\x01-\x7f]", "[*-?]", "[ -~]", "[a-a]", "[[]", "[!/]", "[/]"}
	for name := range classes {
		sets = append(sets, "[[:"+name+":]]", "[![:"+name+":]x]")
	}
	slices.Sort(sets)
	var paths []string
	for i, set := range sets {
		folder := fmt.Sprintf("set%02d", i)
		writeFile(t, filepath.Join(repo.root, folder, gitignore), "x"+set+"y\n/d/x"+set+"y\n")
		for b := 1; b < 256; b++ {
			if b != '/' {
				paths = append(paths, folder+"/x"+string([]byte{byte(b)})+"y", folder+"/d/x"+
					string([]byte{byte(b)})+"y")
			}
		}
	}
	m := mustLoad(t, nil, Options{Trees: []string{repo.root}})
	for i, want := range repo.verdicts(paths) {
		if have := verdictOf(m, repo.root, paths[i], false); have != want {
			t.Errorf("path %q: have %s, want %s", paths[i], have, want)
		}
	}
}
