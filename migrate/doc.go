// Package migrate reads how other tools run a project today, and tells which settings do the same in hotreload.
//
// # How it works
//
// Look reads the files of a project: the configuration files of air, templier, modd and reflex; the command lines of
// these four and of CompileDaemon, gow and wgo in a Makefile and in package.json; and the files of generators (templ,
// sqlc, Tailwind CSS, buf, swag). The result is a Plan: a row for each setting or command found, with its fate, and the
// shortest hotreload.toml with the same effect.
//
// Command lines are parsed by mvdan.cc/sh, and nothing is ever run. A command line is split into simple commands. Each
// simple command is a deed: a build, a generator, something done by hotreload anyway, or something for the user to
// decide.
//
// # What it does not do
//
// This package is a function from files to values: nothing is written or started, and hotreload's settings are unknown
// here. A test in package settings checks each plan of the tests here against the schema of hotreload.toml.
package migrate
