package settings

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hotreload/gobuild"
)

// choosePackage removes the package, one argument or several .go files, from the front of args. Without a package, it
// chooses the main package in this folder or the only one under cmd/.
func choosePackage(ctx context.Context, dir string, goFlags, env, args []string) (pkg, rest []string, err error) {
	if len(args) > 0 {
		n := 1
		for strings.HasSuffix(args[0], ".go") && n < len(args) && strings.HasSuffix(args[n], ".go") {
			n++
		}
		for _, file := range args[:n] {
			if _, err := os.Lstat(filepath.Join(dir, file)); strings.HasSuffix(file, ".go") && !filepath.IsAbs(file) &&
				errors.Is(err, os.ErrNotExist) {
				return nil, nil, Usage(
					fmt.Errorf("no such file: %s", file),
					"if it is an argument of the program, name the folder instead of .go files",
				)
			}
		}
		return args[:n], args[n:], nil
	}
	found, err := gobuild.Choose(ctx, dir, goFlags, env)
	if err != nil {
		return nil, nil, err
	}
	switch len(found) {
	case 0:
		return nil, nil, Usage(errors.New("no main package found here"), "name one: hotreload ./cmd/server")
	case 1:
		return found, nil, nil
	default:
		return nil, nil, Usage(
			fmt.Errorf("several main packages found here:\n  %s", strings.Join(found, "\n  ")),
			"name one: hotreload "+found[0]+", or several: hotreload "+strings.Join(found[:2], " "),
		)
	}
}

// programName is the program's os.Args[0], as `go build` would name the file.
func programName(dir string, pkg []string) string {
	name := filepath.Base(pkg[0])
	if file, ok := strings.CutSuffix(name, ".go"); ok {
		return file
	}
	if name == "." || name == ".." {
		return filepath.Base(filepath.Join(dir, pkg[0]))
	}
	return name
}

// mainFolders reports whether all args are folders of main packages, written with a leading dot or slash.
func mainFolders(dir string, args []string) bool {
	for _, arg := range args {
		if !strings.HasPrefix(arg, ".") && !filepath.IsAbs(arg) {
			return false
		}
		files, _ := filepath.Glob(filepath.Join(Absolute(dir, arg), "*.go"))
		if !slices.ContainsFunc(files, IsMain) {
			return false
		}
	}
	return true
}

// IsMain reports whether a file belongs to package main and is not a test.
func IsMain(path string) bool {
	if strings.HasSuffix(path, "_test.go") {
		return false
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly)
	return err == nil && file.Name.Name == "main"
}

// nameAmong returns the name for one of several packages: the name of its folder, with as many parent folders as needed
// to be unique.
func nameAmong(dir string, pkgs []string, n int) string {
	parts := func(pkg string) []string { return strings.Split(filepath.ToSlash(Absolute(dir, pkg)), "/") }
	own := parts(pkgs[n])
	for take := 1; take < len(own); take++ {
		name := strings.Join(own[len(own)-take:], "-")
		alone := true
		for i, other := range pkgs {
			theirs := parts(other)
			alone = alone && (i == n || strings.Join(theirs[max(len(theirs)-take, 0):], "-") != name)
		}
		if alone {
			return name
		}
	}
	return strconv.Itoa(n)
}
