// Package hooks finds unexported variables of the standard library, and starts the agent with them. Since Go 1.23 the
// package can be linked only with -checklinkname=0, so it has no tests of its own: the tests of package agent build
// whole programs with package hooks.
package hooks
