// Command recipes parses recipes as far as possible without a daemon, like the tools of the recipes: Compose files by
// Compose's own loader, Tiltfiles by a Starlark interpreter with functions that take the parameters of Tilt's. The
// arguments are files; the output has one line for each item in a file.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

func main() {
	for _, path := range os.Args[1:] {
		read := tiltfile
		if strings.HasPrefix(filepath.Base(path), "compose.") {
			read = compose
		}
		if err := read(path); err != nil {
			fmt.Fprintln(os.Stderr, path+":", err)
			os.Exit(1)
		}
	}
}

// compose loads a Compose file. The loader validates the file by Compose's schema, too.
func compose(path string) error {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithName("recipe"))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	for name, s := range project.Services {
		fmt.Println("service", name, "target", s.Build.Target, "contexts", len(s.Build.AdditionalContexts))
		for _, v := range s.Volumes {
			fmt.Println("volume", v.Type, v.Source, v.Target)
		}
		if s.Develop != nil {
			for _, w := range s.Develop.Watch {
				fmt.Println("watch", w.Action, w.Target)
			}
		}
	}
	return nil
}

// parameters lists the parameters of Tilt's functions in the recipes. "?" marks optional ones, as in
// starlark.UnpackArgs.
var parameters = map[string]string{
	"custom_build": "ref command deps tag? disable_push? live_update? ignore? entrypoint?",
	"fall_back_on": "files",
	"sync":         "local_path remote_path",
	"k8s_yaml":     "yaml allow_duplicates?",
	"k8s_resource": "workload port_forwards? labels? links?",
	"local_resource": "name cmd? deps? trigger_mode? resource_deps? ignore? auto_init? serve_cmd? allow_parallel? " +
		"links? tags? env? serve_env? readiness_probe? dir? serve_dir? labels?",
	"probe": "initial_delay_secs? timeout_secs? period_secs? success_threshold? failure_threshold? exec? http_get? " +
		"tcp_socket?",
	"exec_action": "command",
}

// tiltfile runs a Tiltfile. Each call of a Tilt function is printed, and its result can be an argument of other calls.
func tiltfile(path string) error {
	functions := starlark.StringDict{}
	for name, text := range parameters {
		names := strings.Fields(text)
		functions[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
			kwargs []starlark.Tuple) (starlark.Value, error) {
			values := make([]starlark.Value, len(names))
			pairs := []any{}
			for i, name := range names {
				pairs = append(pairs, name, &values[i])
			}
			if err := starlark.UnpackArgs(b.Name(), args, kwargs, pairs...); err != nil {
				return nil, err
			}
			words := []string{b.Name()}
			for i, name := range names {
				if values[i] != nil {
					words = append(words, strings.TrimSuffix(name, "?")+"="+values[i].String())
				}
			}
			sort.Strings(words[1:])
			line := strings.Join(words, " ")
			fmt.Println(line)
			return starlark.String(b.Name()), nil
		})
	}
	_, err := starlark.ExecFileOptions(&syntax.FileOptions{}, &starlark.Thread{}, path, nil, functions)
	return err
}
