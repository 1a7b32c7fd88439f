// Package ignore answers one question: does a change of this path matter? The rules come from .reloadignore files,
// git's ignore files and a built-in list, all in the syntax of gitignore.
//
// Invariants:
//
//   - A [Matcher] is a snapshot. It does not change after [Load] has returned it, [Matcher.Match] reads no disk,
//     and any number of goroutines may call it. After an edit of a rule file, load a new Matcher.
//   - An answer contains its reason: the rule, its file and its line.
//   - If a folder is ignored, everything below it is ignored, at any depth. So a walk may skip an ignored folder
//     and misses nothing.
//   - Within one layer the answer is git's, byte for byte. The tests compare with git.
//
// # Rules and layers
//
// Three layers, the highest first:
//
//  1. the user: the patterns of --ignore, then .reloadignore files, a deeper file before a shallower one;
//  2. git: .gitignore files, deeper before shallower, then the repository's info/exclude (this layer is optional);
//  3. built-in: files that editors, tools and version control leave behind (builtin.reloadignore).
//
// A path is judged from the top down: the outermost folder that contains the path, then the next one, and finally the
// path itself. For each of these, the highest layer with a matching rule decides; within a layer the deepest file,
// within a file the last line. If this rule ignores a folder, the folder is closed: everything below is ignored because
// of this rule, and no "!" re-includes a part of it. git combines its own sources (command line, .gitignore,
// info/exclude, core.excludesFile) in the same way, so there is only one rule to learn:
//
//   - To see a folder that a lower layer closes, re-include the folder itself: "!/dist/" in .reloadignore overrides
//     "dist/" in .gitignore. All layers then judge each entry of the folder.
//   - To see one file of this folder alone, close the rest again: "!/dist/", "/dist/*", "!/dist/app.css".
//   - "!*.js" in .reloadignore has no effect inside node_modules.
//
// There is one addition to git's rules. If git's layer or the built-in one has closed a folder, a rule of the user may
// still match a path below; then the answer names the user's rule, because the user's layer is higher. The path is
// ignored in both cases. But [Match.Explicit] then distinguishes "git does not keep this file" (generated Go code, for
// example, is compiled all the same) from "the user wants this file ignored".
//
// # Where rules are read
//
// [Load] gets folders and trees. For each one Load finds the top: the nearest folder upward with .git, else the nearest
// with go.work, else the nearest with go.mod, else the folder itself. Tops inside other tops are dropped, so every path
// has one top. Every folder from the top down to a given folder may contain rule files. In trees (Options.Trees), Load
// walks the folders below for rule files, except for ignored ones. Folders need no walk: the build graph names folders
// exactly, and a check for two missing files costs less than a walk. Reading rule files on demand would avoid the walk.
// But then answers would depend on the time of the question, errors would come late, and callers would wait for a disk.
// The walk costs about as much as the watcher's own, and only for trees.
//
// For git's layer, a repository inside another one (a submodule, a checkout in an ignored folder) is independent: as in
// git, the outer .gitignore applies neither to the inner root folder nor to its contents. The user's own rules do. The
// loader finds an inner repository if a given folder is inside, or during a walk. No .gitignore rule re-includes .git,
// because git never looks into .git. A .reloadignore rule can.
//
// As in git, rule files inside an ignored folder are not read.
//
// # Patterns
//
// The manual is gitignore(5). Where the manual is silent, git's behaviour counts:
//
//   - Names are bytes. "?" and a bracket match one byte, so "?" does not match "é" (two bytes). A path may contain
//     any byte, also newlines and invalid UTF-8. Case matters on every system (git ignores case if core.ignoreCase
//     is set).
//   - A slash at the beginning or in the middle limits a pattern to the folder of its file; a slash at the end
//     limits it to folders. Slashes in brackets count for this, but a bracket never matches a slash.
//   - "**" matches several folders only between slashes or at an end; elsewhere it means "*". A trailing "/**"
//     matches everything below, but not the folder itself. "**/" also matches no folder at all, "**\/" at least
//     one.
//   - If the first wildcard of a pattern with a slash is "**" in the middle of a name, followed by a slash or the
//     end, "**" matches several folders, too: "/foo**/bar" matches foobar, foox/bar and foox/y/bar. This is
//     surprising, but git does the same.
//   - Braces have no meaning: "{a,b}" is a file name. Brackets support ranges, "!" and "^", escapes, and ASCII
//     classes such as [:digit:] (space: blank, tab, newline, carriage return). A reversed range means its first
//     end.
//   - Some patterns match nothing: an open bracket, an unknown class, a backslash at the end, an empty name between
//     slashes, "./" and "../". In .reloadignore and --ignore hotreload reports them, in git's files it does not.
//   - Spaces at the end of a line are dropped unless they are escaped; tabs are kept. CRLF ends a line, a byte
//     order mark at the beginning is skipped, a NUL ends the pattern. A leading "\#" or "\!" is a name with # or !.
//     On the command line "#" begins no comment, and no spaces are dropped.
//
// # How a pattern is matched
//
// Most rules are plain names, "*.suffix" or plain paths, and cost a comparison of strings. All others are translated
// once into doublestar's patterns, whose syntax differs: braces are escaped, a trailing "**" becomes "**/*", brackets
// become sets of bytes, written as ranges without the slash. In pattern and path, each byte from 0x80 up becomes the
// rune with the same number, so a rune of doublestar is a byte of git. Since a translated pattern has no active braces,
// doublestar needs no recursion, and time grows at worst with the product of both lengths.
//
// # What it does not do
//
// This package follows no symbolic links: paths are compared as written, and like git, Load skips a .gitignore if the
// file is a link. git's configuration is not read, so core.excludesFile and core.ignoreCase have no effect. And the
// package does not know the files tracked by git: a tracked file is ignored here if a rule matches.
package ignore
