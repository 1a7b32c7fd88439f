// Package worker carries the agent: the code that hotreload links into a program so that it hands over its listeners
// without knowing of it.
package worker
