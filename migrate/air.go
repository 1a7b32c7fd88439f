package migrate

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// air reads air's file, at the places where air looks, and returns the file's name.
func (l *look) air() (found string) {
	for _, name := range []string{".air.toml", ".config/air.toml"} {
		if l.exists(name) {
			l.airFile(name)
			return name
		}
	}
	return ""
}

// airFile reads one of air's files.
func (l *look) airFile(name string) {
	var tree map[string]any
	l.at(name, "the file")
	if err := toml.Unmarshal([]byte(text(l.files, name)), &tree); err != nil {
		place := ""
		var wrong *toml.DecodeError
		if errors.As(err, &wrong) {
			line, _ := wrong.Position()
			place = fmt.Sprintf(" in line %d", line)
		}
		l.decide("cannot be read%s: %s", place, strings.TrimPrefix(err.Error(), "toml: "))
		return
	}
	values := map[string]any{}
	flatten(values, "", tree)
	l.airValues(name, values)
}

// flatten names the values of tables by their path: build.cmd.
func flatten(into map[string]any, prefix string, tree map[string]any) {
	for key, value := range tree {
		if table, ok := value.(map[string]any); ok {
			flatten(into, prefix+key+".", table)
			continue
		}
		into[prefix+key] = value
	}
}

// airSettings are the values of one of air's files.
type airSettings struct {
	values map[string]any
	labels map[string]string // key -> its name in the file, if in the section of a system
	source string
	dir    string // air's root
}

// text returns a value as text; a list is joined as air does.
func (a *airSettings) text(key string) string {
	switch value := a.values[key].(type) {
	case nil:
		return ""
	case []any:
		return strings.Join(listOf(value), " ")
	default:
		return fmt.Sprint(value)
	}
}

// label is how a key is named in the file.
func (a *airSettings) label(key string) string {
	if label := a.labels[key]; label != "" {
		return label
	}
	return key
}

// airValues takes over the values of one of air's files, or of air's command line.
func (l *look) airValues(source string, values map[string]any) {
	a := &airSettings{values: values, labels: map[string]string{}, source: source}
	l.systems(a)
	standard := 0
	for _, key := range airKeys {
		value, set := a.values[key.name]
		if !set {
			continue
		}
		l.at(source, a.label(key.name))
		if slices.Contains(key.standard, fmt.Sprint(value)) {
			standard++
			continue
		}
		key.take(l, a, value)
	}
	l.buildOfAir(a)
	l.runOfAir(a)
	l.at(source, "other keys")
	if standard > 0 {
		l.needless("%s", likeAir)
	}
	for _, key := range slices.Sorted(maps.Keys(a.values)) {
		if !slices.ContainsFunc(airKeys, func(k airKey) bool { return k.name == key }) &&
			!slices.Contains(airRun, key) {
			l.at(source, key)
			l.needless("%s", notAirs)
		}
	}
}

// systems applies the section of the present system, and tells about the others.
func (l *look) systems(a *airSettings) {
	for _, key := range slices.Sorted(maps.Keys(a.values)) {
		for _, goos := range []string{"windows", "darwin", "linux"} {
			rest, found := strings.CutPrefix(key, "build."+goos+".")
			if !found {
				continue
			}
			value := a.values[key]
			delete(a.values, key)
			if goos == l.goos {
				a.values["build."+rest], a.labels["build."+rest] = value, key
				continue
			}
			l.at(a.source, "build."+goos)
			l.needless("for another system; hotreload.toml holds for all")
		}
	}
}

// airRun are the keys for the build and the run, taken together.
var airRun = []string{
	"build.pre_cmd",
	"build.cmd",
	"build.bin",
	"build.entrypoint",
	"build.full_bin",
	"build.args_bin",
}

// buildOfAir takes over the commands before and of the build.
func (l *look) buildOfAir(a *airSettings) {
	for _, line := range listOf(a.values["build.pre_cmd"]) {
		l.at(a.source, a.label("build.pre_cmd"))
		l.line(l.posix(line), a.dir)
	}
	if line := a.text("build.cmd"); line != "" {
		l.at(a.source, a.label("build.cmd"))
		l.line(l.posix(line), a.dir)
	}
}

// posix makes the paths of a command line for Windows readable.
func (l *look) posix(line string) string {
	if l.goos == "windows" {
		return strings.ReplaceAll(line, `\`, "/")
	}
	return line
}

// runOfAir takes over how air runs the program: full_bin before entrypoint before bin.
func (l *look) runOfAir(a *airSettings) {
	for _, key := range []string{"build.full_bin", "build.entrypoint", "build.bin"} {
		words := listOf(a.values[key])
		if len(words) == 0 || words[0] == "" {
			continue
		}
		l.at(a.source, a.label(key))
		if key == "build.entrypoint" && len(words) > 1 {
			l.launch(command{words: words, fixed: true, dir: a.dir})
			break
		}
		l.runs(l.posix(words[0]), a.dir)
		break
	}
	if args := a.text("build.args_bin"); strings.TrimSpace(args) != "" {
		l.at(a.source, a.label("build.args_bin"))
		if all, err := commands("program " + l.posix(args)); err == nil && len(all) == 1 {
			l.arguments(all[0].words[1:], all[0].fixed)
		} else {
			l.decide("cannot be read as a command line: %s", args)
		}
	}
}

// airKey is a key of air's file. Values of standard mean the same as none.
type airKey struct {
	name     string
	standard []string
	take     func(l *look, a *airSettings, value any)
}

// because is a key that is not needed.
func because(reason string) func(*look, *airSettings, any) {
	return func(l *look, _ *airSettings, _ any) { l.needless("%s", reason) }
}

// airKeys are all keys of air except airRun, in the order of air's own file.
var airKeys = []airKey{
	{"root", []string{".", "./", ""}, takeRoot},
	{"tmp_dir", nil, because(inCache)},
	{"testdata_dir", nil, because(watchedByUse)},
	{"env_files", []string{"[]"}, func(l *look, a *airSettings, value any) {
		files := listOf(value)
		for i := range files {
			files[i] = path.Join(a.dir, files[i])
		}
		l.set("env_file", files)
	}},
	{"build.post_cmd", []string{"[]", ""}, func(l *look, a *airSettings, value any) {
		if line := strings.Join(listOf(value), "; "); line == "rm -f "+a.text("build.bin") {
			l.needless("%s", inCache)
			return
		}
		l.decide("on_stop = %s in [hooks] runs it when hotreload ends", quoted(strings.Join(listOf(value), " && ")))
	}},
	{"build.log", nil, because("the terminal shows a failed build, and hotreload logs what the program wrote")},
	{"build.include_ext", []string{"[go tpl tmpl html]", "[go]"}, because(watchedByUse)},
	{"build.include_dir", []string{"[]"}, takeFolders},
	{"build.include_file", []string{"[]"}, because(watchedByUse)},
	{"build.exclude_dir", []string{"[]"}, because(watchedByUse)},
	{"build.exclude_file", []string{"[]"}, takeExcluded},
	{"build.exclude_regex", []string{"[]", "[_test.go]", `[_test\.go]`}, takePatterns},
	{
		"build.exclude_unchanged",
		[]string{"false"},
		because("a save that leaves the program the same replaces nothing"),
	},
	{"build.follow_symlink", []string{"false"}, because(watchedByUse)},
	{"build.ignore_dangerous_root_dir", []string{"false"}, because(watchedByUse)},
	{"build.poll", []string{"false"}, because("disks without events are recognised, and polled")},
	{"build.poll_interval", []string{"0", "500"}, because("disks without events are recognised, and polled")},
	{"build.delay", []string{"1000", "0", "1000ms"}, because(withoutPause)},
	{"build.stop_on_error", []string{"false"}, because("a broken change never replaces what serves")},
	{
		"build.send_interrupt",
		[]string{"false"},
		because("workers are always asked to exit, by SIGTERM or by the signal that they handle"),
	},
	{"build.kill_delay", []string{"0", "0s", "500ms"}, takeDelay},
	{"build.rerun", []string{"false"}, func(l *look, _ *airSettings, _ any) {
		l.decide("crashed programs come back by themselves; after exit code 0 hotreload waits for a change")
	}},
	{
		"build.rerun_delay",
		[]string{"500", "0", "500ms"},
		because("the delay grows while a program crashes, and any save ends it"),
	},
	{"build.rules", []string{"[]"}, takeRules},
	{"log.time", []string{"false"}, because("hotreload shows how long builds take; events have a time")},
	{"log.main_only", []string{"false"}, because("quiet = true prints only failures")},
	{"log.silent", []string{"false"}, func(l *look, _ *airSettings, _ any) { l.set("quiet", true) }},
	{"color.main", nil, because("colours are hotreload's")},
	{"color.watcher", nil, because("colours are hotreload's")},
	{"color.build", nil, because("colours are hotreload's")},
	{"color.runner", nil, because("colours are hotreload's")},
	{"color.app", nil, because("colours are hotreload's")},
	{"color.mode", []string{"", "auto"}, func(l *look, _ *airSettings, value any) {
		if mode := fmt.Sprint(value); mode == "always" || mode == "never" {
			l.set("color", mode)
			return
		}
		l.needless("colours are hotreload's")
	}},
	{"misc.clean_on_exit", []string{"false"}, because(inCache)},
	{"misc.startup_banner", nil, because("hotreload shows none")},
	{"screen.clear_on_rebuild", []string{"false"}, func(l *look, _ *airSettings, _ any) { l.set("clear", true) }},
	{"screen.keep_scroll", []string{"true"}, because("what has scrolled away is kept")},
	{"proxy.enabled", []string{"false"}, func(l *look, a *airSettings, _ any) {
		port := a.text("proxy.app_port")
		if port == "" || port == "0" {
			port = "PORT"
		}
		l.needless("pages reload without a proxy: open http://localhost:%s, the program's own port", port)
	}},
	{"proxy.proxy_port", []string{"0"}, because("pages reload without a proxy")},
	{"proxy.app_port", []string{"0"}, because("pages reload without a proxy")},
	{"proxy.app_start_timeout", []string{"0", "5000"}, because("pages reload without a proxy")},
}

func takeRoot(l *look, a *airSettings, value any) {
	root := path.Clean(strings.ReplaceAll(fmt.Sprint(value), `\`, "/"))
	switch {
	case path.IsAbs(root) || strings.HasPrefix(root, ".."):
		l.decide("start hotreload in %s: air runs the program there", root)
	case l.exists(path.Join(root, "go.mod")):
		l.needless("a program in a module of its own is built and run there")
		a.dir = root
	default:
		a.dir = root
		l.set("dir", root)
	}
}

// takeFolders takes over folders to watch: those outside the project, maybe unknown to hotreload.
func takeFolders(l *look, a *airSettings, value any) {
	var outside []string
	for _, dir := range listOf(value) {
		if dir = path.Join(a.dir, dir); strings.HasPrefix(dir, "..") {
			outside = append(outside, dir)
		}
	}
	if len(outside) == 0 {
		l.needless("%s", watchedByUse)
		return
	}
	l.set("watch", outside)
}

func takeExcluded(l *look, _ *airSettings, value any) {
	files := slices.DeleteFunc(listOf(value), func(name string) bool { return strings.HasSuffix(name, ".go") })
	if len(files) == 0 {
		l.needless("what a generator writes does not start it again")
		return
	}
	l.decide("if the program reads it and a change must not restart the program: ignore = %s", written(files))
}

// takePatterns takes over regular expressions of files to leave out.
func takePatterns(l *look, _ *airSettings, value any) {
	var others []string
	for _, pattern := range listOf(value) {
		plain := strings.Trim(strings.ReplaceAll(pattern, `\`, ""), "^$.*")
		if !strings.HasSuffix(plain, "_test.go") && !strings.HasSuffix(plain, "_templ.go") &&
			!strings.HasSuffix(plain, ".go") &&
			!strings.Contains(plain, "node_modules") {
			others = append(others, pattern)
		}
	}
	if len(others) == 0 {
		l.needless("%s", watchedByUse)
		return
	}
	l.decide(
		"only if the program reads such files: ignore = […], in gitignore syntax, for %s",
		strings.Join(others, ", "),
	)
}

// takeDelay takes over the time before air kills: a duration, or a number of nanoseconds; a number below a millisecond
// counts milliseconds.
func takeDelay(l *look, _ *airSettings, value any) {
	delay, err := time.ParseDuration(fmt.Sprint(value))
	if number, numeric := value.(int64); numeric {
		if delay, err = time.Duration(number), nil; delay < time.Millisecond {
			delay = time.Duration(number) * time.Millisecond
		}
	} else if number, wrong := strconv.Atoi(fmt.Sprint(value)); wrong == nil {
		delay, err = time.Duration(number)*time.Millisecond, nil
	}
	switch {
	case err != nil:
		l.decide("%v is no duration", value)
	case delay > 5*time.Second:
		l.set("grace", delay.String())
	default:
		l.needless("%s", asFastAsItCan)
	}
}

// takeRules takes over [[build.rules]].
func takeRules(l *look, a *airSettings, value any) {
	rules, _ := value.([]any)
	for i, one := range rules {
		table, _ := one.(map[string]any)
		name, _ := table["name"].(string)
		if name == "" {
			name = fmt.Sprintf("rule-%d", i+1)
		}
		l.at(a.source, "build.rules "+name)
		line, _ := table["cmd"].(string)
		if line == "" {
			l.decide("a rule without cmd does nothing")
			continue
		}
		l.rule(Rule{Match: ruleFiles(a.dir, listOf(table["include_dir"]), listOf(table["include_ext"]),
			listOf(table["include_file"])), Run: line})
	}
}

// ruleFiles are patterns for the files in folders with extensions, and for named files.
func ruleFiles(root string, dirs, exts, files []string) (all []string) {
	if len(dirs) == 0 && (len(exts) > 0 || len(files) == 0) {
		dirs = []string{"."}
	}
	for _, dir := range dirs {
		base := path.Join(root, dir)
		if len(exts) == 0 {
			all = append(all, strings.TrimPrefix(path.Join(base, "**"), "./"))
		}
		for _, ext := range exts {
			all = append(all, path.Join(base, "**", "*."+strings.TrimPrefix(ext, ".")))
		}
	}
	for _, file := range files {
		all = append(all, path.Join(root, file))
	}
	return all
}
