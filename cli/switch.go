package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/killswitch"
	"hotreload/runner"
)

// switchAt is the kill switch of the project in whose folders dir lies, unless path names another.
func switchAt(dir, path string) (killswitch.File, error) {
	if path != "" {
		return killswitch.File{Path: absolute(dir, path)}, nil
	}
	root := dir
	if config, _ := findConfig(dir); config != "" {
		root = filepath.Dir(config)
	}
	return killswitch.Default(root)
}

// switchOf is the kill switch that a command is for, and the hotreload that heeds it; nil if none runs.
func (m *remote) switchOf(ctx context.Context, path string) (killswitch.File, *control.Client, error) {
	dir, err := os.Getwd()
	if err != nil {
		return killswitch.File{}, nil, err
	}
	client, err := m.find(ctx)
	if err != nil && (!errors.Is(err, control.ErrNone) || m.pid != 0) {
		return killswitch.File{}, nil, err
	}
	switch {
	case client != nil && path == "" && client.Switch != "":
		return killswitch.File{Path: client.Switch}, client, nil
	case path == "":
		if config, found := findConfig(dir); found {
			file, err := readConfig(config)
			if err != nil {
				return killswitch.File{}, nil, err
			}
			if file.KillSwitch != "" {
				path = file.abs(file.KillSwitch)
			}
		}
	}
	file, err := switchAt(dir, path)
	if client != nil && client.Switch != file.Path {
		client = nil // it heeds another
	}
	return file, client, err
}

// pausing is the key p: it turns the kill switch for everything, as hotreload disable and enable do. What the key has
// disabled is enabled again at the end of this hotreload, unless somebody has turned the switch since.
type pausing struct {
	file killswitch.File

	mu   sync.Mutex  // guards mine: a key may be pressed at the very end
	mine os.FileInfo // the file as the key has left it, having disabled everything; nil if it has not
}

// press turns the switch.
func (p *pausing) press() error {
	if p.file.Path == "" {
		return hinted{errors.New("there is no place for the kill switch, so nothing can be paused"), "XDG_STATE_HOME or --kill-switch can name one"}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before, err := p.file.Update(func(s killswitch.State) killswitch.State { s.Global = !s.Global; return s })
	if err != nil {
		return switchFault(err)
	}
	if p.mine = nil; !before.Global {
		p.mine, _ = os.Stat(p.file.Path)
	}
	return nil
}

// end takes back what the key has done.
func (p *pausing) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now, err := os.Stat(p.file.Path); p.mine == nil || err != nil || !os.SameFile(now, p.mine) || !now.ModTime().Equal(p.mine.ModTime()) {
		return
	}
	p.mine = nil
	_, _ = p.file.EnableGlobally() // if it cannot be, the next hotreload says so
}

// switchFlags are those that the three commands have in common.
func (m *remote) switchFlags(c *cobra.Command, path *string) *cobra.Command {
	c.Flags().IntVar(&m.pid, "pid", 0, "`pid` of the hotreload that is meant, if several run here")
	c.Flags().StringVar(path, "kill-switch", "", "file (`path`), instead of the project's own")
	return c
}

// disable is `hotreload disable [service…]`.
func (m *remote) disable() *cobra.Command {
	var path string
	var stop bool
	command := &cobra.Command{
		Use: "disable [service…]", Short: "let nothing be started, or none of these services; what runs runs on",
		Long: "Let nothing be started from now on, or none of these services, by any hotreload of this project, until hotreload enable. What runs runs on; --stop sends it away, after which nothing can come back.",
		RunE: func(c *cobra.Command, names []string) error {
			ctx := cmp.Or(c.Context(), context.Background())
			file, client, err := m.switchOf(ctx, path)
			if err != nil {
				return err
			}
			services, err := known(ctx, client, names)
			if err != nil {
				return err
			}
			if len(names) == 0 {
				_, err = file.DisableGlobally()
			} else {
				_, err = file.Disable(names...)
			}
			if err != nil {
				return switchFault(err)
			}
			if client != nil {
				if _, err := client.Recheck(ctx); err != nil {
					return err
				}
			}
			for _, s := range services {
				if !stop || len(names) > 0 && !slices.Contains(names, s.Switch) {
					continue
				}
				if _, err := client.Halt(ctx, s.Name); err != nil {
					return err
				}
			}
			return showSwitch(c.OutOrStdout(), file)
		},
	}
	command.Flags().BoolVar(&stop, "stop", false, "then send the workers away, and wait until they are gone; hotreload reload brings them back when they may be")
	return m.switchFlags(command, &path)
}

// enable is `hotreload enable [service…]`.
func (m *remote) enable() *cobra.Command {
	var path string
	var all bool
	command := &cobra.Command{
		Use: "enable [service…]", Short: "end what hotreload disable began: for all together, or for these services",
		Long: "End what hotreload disable began: for all together (those that were disabled by name stay so), for these services, or with --all for everything, whatever the file says.",
		RunE: func(c *cobra.Command, names []string) error {
			ctx := cmp.Or(c.Context(), context.Background())
			file, client, err := m.switchOf(ctx, path)
			if err != nil {
				return err
			}
			switch {
			case all && len(names) > 0:
				return usageError{hinted{errors.New("--all beside services"), "it is for all of them"}}
			case all:
				err = file.EnableAll()
			case len(names) == 0:
				_, err = file.EnableGlobally()
			default:
				_, err = file.Enable(names...)
			}
			if err != nil {
				return switchFault(err)
			}
			if client != nil {
				if _, err := client.Recheck(ctx); err != nil {
					return err
				}
			}
			return showSwitch(c.OutOrStdout(), file)
		},
	}
	command.Flags().BoolVar(&all, "all", false, "enable everything")
	return m.switchFlags(command, &path)
}

// disabled is `hotreload disabled`.
func (m *remote) disabled() *cobra.Command {
	var path, restore string
	command := &cobra.Command{
		Use: "disabled", Short: "say what is disabled, or make it what was saved with --json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := cmp.Or(c.Context(), context.Background())
			file, client, err := m.switchOf(ctx, path)
			if err != nil {
				return err
			}
			if restore != "" {
				saved, err := readSaved(c.InOrStdin(), restore)
				if err != nil {
					return usageError{hinted{err, "hotreload disabled --json > FILE makes such a file"}}
				}
				if err := file.Restore(saved); err != nil {
					return err
				}
				if client != nil {
					if _, err := client.Recheck(ctx); err != nil {
						return err
					}
				}
			}
			if m.asJSON {
				state, err := file.Read()
				if err != nil {
					return switchFault(err)
				}
				_, err = c.OutOrStdout().Write(state.Text())
				return err
			}
			return showSwitch(c.OutOrStdout(), file)
		},
	}
	command.Flags().BoolVar(&m.asJSON, "json", false, "answer in JSON, as it stands in the file")
	command.Flags().StringVar(&restore, "restore", "", "disable exactly what this `file` says (- is stdin), whatever is disabled now")
	return m.switchFlags(command, &path)
}

func readSaved(stdin io.Reader, path string) (killswitch.State, error) {
	var text []byte
	var err error
	if path == "-" {
		text, err = io.ReadAll(stdin)
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return killswitch.State{}, err
	}
	state, err := killswitch.Parse(text)
	if err != nil {
		return state, fmt.Errorf("--restore %s: %w", path, err)
	}
	return state, nil
}

// known are the services that run, of which those that are named have to be some: a name that is not right would
// disable nothing.
func known(ctx context.Context, client *control.Client, names []string) ([]runner.Status, error) {
	if client == nil {
		return nil, nil
	}
	services, err := client.Status(ctx, "")
	if err != nil {
		return nil, err
	}
	var there []string
	for _, s := range services {
		there = append(there, s.Switch)
	}
	for _, name := range names {
		if !slices.Contains(there, name) {
			return nil, usageError{hinted{fmt.Errorf("there is no service %q", name), "there is " + strings.Join(there, ", ")}}
		}
	}
	return services, nil
}

// switchFault says what to do about a kill switch that cannot be changed.
func switchFault(err error) error {
	return hinted{err, "nothing is started while it is so; hotreload enable --all writes it anew"}
}

// showSwitch says what the file says.
func showSwitch(out io.Writer, file killswitch.File) error {
	state, err := file.Read()
	switch {
	case err != nil:
		return switchFault(err)
	case state.Empty():
		fmt.Fprintln(out, "nothing is disabled")
	case state.Global:
		fmt.Fprintln(out, "everything is disabled"+alsoByName(state))
	default:
		fmt.Fprintln(out, "disabled: "+strings.Join(state.Services, ", "))
	}
	return nil
}

func alsoByName(state killswitch.State) string {
	if len(state.Services) == 0 {
		return ""
	}
	return "; by name also " + strings.Join(state.Services, ", ")
}

// enableHint is how a service may be started again.
func enableHint(s runner.Status) string {
	switch s.Blocked {
	case (&killswitch.Disabled{Service: s.Switch}).Error():
		return "hotreload enable " + s.Switch
	case (&killswitch.Disabled{Global: true}).Error():
		return "hotreload enable"
	}
	return "hotreload enable --all writes it anew"
}
