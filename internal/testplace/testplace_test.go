package testplace

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFolder(t *testing.T) {
	var first, second, beside, again string
	t.Run("one", func(t *testing.T) {
		first, second = Folder(t), Folder(t)
		if first == second || filepath.Dir(first) != filepath.Dir(second) {
			t.Errorf("%s and %s are not two folders of one place", first, second)
		}
		if err := os.WriteFile(filepath.Join(first, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Run("beside", func(t *testing.T) {
			if beside = Folder(t); filepath.Dir(beside) == filepath.Dir(first) {
				t.Errorf("two tests have %s", filepath.Dir(first))
			}
		})
	})
	t.Run("another", func(t *testing.T) {
		again = Folder(t)
		if left, err := os.ReadDir(again); err != nil || len(left) > 0 {
			t.Errorf("it holds %v, %v", left, err)
		}
	})
	for _, dir := range []string{first, second, beside, again} {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
}
