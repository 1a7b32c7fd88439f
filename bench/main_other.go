//go:build !unix

package main

import (
	"fmt"
	"os"
)

// main says why there is nothing to measure: the tools are ended by their process groups.
func main() {
	fmt.Fprintln(os.Stderr, "bench: runs on Unix only")
	os.Exit(1)
}
