//go:build !linux && !darwin

package testplace

import "testing"

func take(t testing.TB) string {
	t.Helper()
	return t.TempDir()
}
