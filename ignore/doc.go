// Package ignore answers one question: does a change of this path matter? The rules come from .reloadignore
// files, from git's ignore files and from a built-in list, all written in the language of gitignore.
//
// Invariants:
//
//   - A [Matcher] is a snapshot. Nothing in it changes after [Load] returned it, [Matcher.Match] touches no disk,
//     and any number of goroutines may ask it. After an edit of a rule file, load a new one.
//   - An answer carries its reason: the rule, its file and its line.
//   - If a folder is ignored, everything below it is ignored, for ever and at any depth. So whoever walks a tree
//     may turn back at an ignored folder and misses nothing.
//   - Within one layer the answer is git's, byte for byte. The tests ask git.
//
// # Rules and layers
//
// Three layers, the highest first:
//
//  1. the user's wish: the patterns of --ignore, then .reloadignore files, a deeper file before a shallower one;
//  2. git: .gitignore files, deeper before shallower, then info/exclude of the repository (can be switched off);
//  3. built-in: what editors, tools and version control leave lying about (builtin.reloadignore).
//
// A path is judged from the top down: first the outermost folder on the way to it, then the next, at last the path
// itself. For each of them the highest layer that has a matching rule decides, within a layer the deepest file, within a
// file the last line. If that rule ignores a folder, the folder is closed: all below is ignored, because of that rule,
// and no "!" brings a part of it back. This is how git combines its own sources (command line, .gitignore,
// info/exclude, core.excludesFile), and so there is one rule to learn:
//
//   - To see into a folder that a lower layer closes, re-include the folder itself: "!/dist/" in .reloadignore wins
//     over "dist/" in .gitignore. What lies in it is then judged entry by entry, by all layers.
//   - To see one file of it alone, close the rest again: "!/dist/", "/dist/*", "!/dist/app.css".
//   - "!*.js" in .reloadignore does not reach into node_modules, which nobody would want.
//
// One thing goes beyond git. Below a folder that git's layer or the built-in one has closed, the user's rules may
// still say "ignored too"; then theirs is the rule that is named, because it is the higher one. It does not change
// whether a path is ignored, but [Match.Explicit] tells "git does not keep this file" (it may be generated Go code that
// is compiled all the same) from "the user does not want to hear of it".
//
// # Where rules are read
//
// [Load] is given folders and trees. For each it finds the top: the nearest folder upward that holds .git, else the
// nearest with go.work, else the nearest with go.mod, else the folder itself. Tops that lie in other tops are dropped, so
// every path has one. From the top down to each given folder every folder may hold rule files. Trees (Options.Trees)
// are walked, without ignored folders, for rule files below; folders are not: the build graph names folders exactly,
// and two missing files cost less than a walk. Reading files when they are first needed would spare the walk, but
// answers would then depend on when they were asked for, errors would come late, and the one who asks would wait for a
// disk; the walk costs about as much as the watcher's own, and only for trees.
//
// A repository inside another (a submodule, a checkout in an ignored folder) begins anew for git's layer: what the
// outer .gitignore says about its root folder or anything in it does not count, just as git run inside would see it. The
// user's own rules do reach into it. A repository is known as such if a given folder lies in it or a walk came by.
// No .gitignore rule brings back .git: git never looks into it. A .reloadignore rule can.
//
// Rule files inside an ignored folder are not read, as in git.
//
// # Patterns
//
// The manual is gitignore(5); where it is silent, this is git's behaviour and ours:
//
//   - Names are bytes. "?" and a bracket stand for one byte, so "?" does not match "é" (two bytes). Any byte may occur
//     in a path, newlines and invalid UTF-8 too. Case counts, on every system (git folds it if core.ignoreCase is set).
//   - A slash at the beginning or in the middle ties a pattern to its file's folder; one slash at the end restricts it to
//     folders. Slashes in brackets count for that, but a bracket never matches a slash.
//   - "**" spans folders only between slashes (or at an end); elsewhere it is "*". A trailing "/**" matches what is
//     below, not the folder itself. After a "**/" there may be no folder at all, after a "**\/" there is at least one.
//   - If a pattern with a slash has "**" in the middle of a name as its first wildcard, followed by a slash or the end, then
//     "**" spans folders too: "/foo**/bar" matches foobar, foox/bar and foox/y/bar. A surprise, but git's.
//   - Braces have no meaning: "{a,b}" is a file name. Brackets know ranges, "!" and "^", escapes, and classes such as
//     [:digit:] in ASCII (space: blank, tab, newline, carriage return). A reversed range is its first end.
//   - What cannot match does not match: an open bracket, an unknown class, a backslash at the end, an empty name between
//     slashes, "./" and "../". In .reloadignore and --ignore it is reported, in git's files not.
//   - Spaces at the end of a line are dropped unless escaped; tabs are not. CRLF ends a line, a byte order mark at the
//     beginning is skipped, a NUL ends the pattern. A leading "\#" or "\!" is a name with # or !. On the command line
//     "#" begins no comment, and no spaces are dropped.
//
// # How a pattern is matched
//
// Most rules are plain names, "*.suffix" or plain paths and cost a comparison of strings. The rest is translated once into the
// language of doublestar, which is not gitignore's: braces are escaped, a trailing "**" becomes "**/*", brackets become
// sets of bytes written as ranges without the slash. Bytes from 0x80 up become the runes of the same number, in pattern and
// path, so that doublestar's runes are git's bytes. What is translated has no braces that mean anything; therefore
// doublestar needs no recursion, and time grows with the product of the two lengths at worst.
//
// # What it does not do
//
// It follows no symbolic links: paths are compared as they are written, and a .gitignore that is a link is not read
// (git does not either). It does not read git's configuration, so core.excludesFile and core.ignoreCase do not count, and it
// does not know which files git tracks: a tracked file that matches is ignored here.
package ignore
