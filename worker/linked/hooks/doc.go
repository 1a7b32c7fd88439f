// Package hooks fetches variables of the standard library that are not exported, and starts the agent with them. It
// can be linked only with -checklinkname=0 (since Go 1.23), and so has no tests of its own: they are those of package
// linked, which build whole programs with it.
package hooks
