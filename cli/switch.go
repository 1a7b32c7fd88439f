package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/killswitch"
	"hotreload/runner"
	"hotreload/settings"
)

// switchOf returns the kill switch for a command, and the running hotreload that obeys it; nil if none runs.
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
		if path, err = settings.SwitchInFile(dir); err != nil {
			return killswitch.File{}, nil, err
		}
	}
	file, err := settings.SwitchAt(dir, path)
	if client != nil && client.Switch != file.Path {
		client = nil // this hotreload obeys another switch
	}
	return file, client, err
}

// pausing handles the key p: set the kill switch for everything, like hotreload disable, and reset the switch, like
// hotreload enable. At its end, hotreload undoes its own p, unless the switch was changed since.
type pausing struct {
	file killswitch.File

	mu   sync.Mutex  // guards mine: a key may be pressed at the very end
	mine os.FileInfo // the file after the key has disabled everything; nil otherwise
}

// press toggles the switch.
func (p *pausing) press() error {
	if p.file.Path == "" {
		return settings.Hint(errors.New("cannot pause: there is no place for the kill switch's file"),
			"set XDG_STATE_HOME or --kill-switch")
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

// end undoes the key.
func (p *pausing) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now, err := os.Stat(p.file.Path); p.mine == nil || err != nil || !os.SameFile(now, p.mine) ||
		!now.ModTime().Equal(p.mine.ModTime()) {
		return
	}
	p.mine = nil
	_, _ = p.file.EnableGlobally() // on failure, the next hotreload reports the switch
}

// switchFlags adds the common flags of the three commands.
func (m *remote) switchFlags(c *cobra.Command, path *string) *cobra.Command {
	c.Flags().IntVar(&m.pid, "pid", 0, "`pid` of the hotreload to talk to, if several run here")
	c.Flags().StringVar(path, "kill-switch", "", "file (`path`) of the kill switch, instead of the project's own")
	return c
}

// disable is `hotreload disable [service…]`.
func (m *remote) disable() *cobra.Command {
	var path string
	var stop, list bool
	command := &cobra.Command{
		Use: "disable [service…]", Short: "stop hotreload from starting workers; running ones are left alone",
		Long: "Stop hotreload from starting workers in this project, for all services or the named ones, until hotreload " +
			"enable. " +
			"Running workers are left alone; --stop stops them, too.",
		RunE: func(c *cobra.Command, names []string) error {
			ctx := contextOf(c)
			file, client, err := m.switchOf(ctx, path)
			switch {
			case err != nil:
				return err
			case list && (stop || len(names) > 0):
				return settings.Usage(errors.New("--list cannot be combined with service names or --stop"),
					"--list only shows what is disabled")
			case m.asJSON && !list:
				return settings.Usage(errors.New("--json needs --list"), "hotreload disable --list --json")
			case list:
				return m.listDisabled(c.OutOrStdout(), file)
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
				if _, err := client.StopWorkers(ctx, s.Name); err != nil {
					return err
				}
			}
			return showSwitch(c.OutOrStdout(), file)
		},
	}
	command.Flags().BoolVar(&stop, "stop", false, "also stop the running workers and wait for their exit; after "+
		"hotreload enable, hotreload reload starts them again")
	command.Flags().BoolVar(&list, "list", false, "disable nothing, and list what is disabled")
	command.Flags().BoolVar(&m.asJSON, "json", false, "with --list: print the file's JSON")
	return m.switchFlags(command, &path)
}

// enable is `hotreload enable [service…]`.
func (m *remote) enable() *cobra.Command {
	var path string
	var all bool
	command := &cobra.Command{
		Use: "enable [service…]", Short: "let hotreload start workers again, after hotreload disable",
		Long: "Let hotreload start workers again, after hotreload disable. Without arguments, services that were disabled " +
			"by name " +
			"stay disabled. With --all everything is enabled, even if the file is invalid.",
		RunE: func(c *cobra.Command, names []string) error {
			ctx := contextOf(c)
			file, client, err := m.switchOf(ctx, path)
			if err != nil {
				return err
			}
			switch {
			case all && len(names) > 0:
				return settings.Usage(errors.New("--all cannot be combined with service names"), "leave the names out")
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
		Use: "disabled", Short: "list what is disabled, or restore a list saved with --json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := contextOf(c)
			file, client, err := m.switchOf(ctx, path)
			if err != nil {
				return err
			}
			if restore != "" {
				saved, err := readSaved(c.InOrStdin(), restore)
				if err != nil {
					return settings.Usage(err, "hotreload disabled --json > FILE writes such a file")
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
			return m.listDisabled(c.OutOrStdout(), file)
		},
	}
	command.Flags().BoolVar(&m.asJSON, "json", false, "print the file's JSON")
	command.Flags().StringVar(&restore, "restore", "", "disable exactly what this `file` lists (- is stdin)")
	return m.switchFlags(command, &path)
}

// listDisabled prints the disabled services.
func (m *remote) listDisabled(out io.Writer, file killswitch.File) error {
	if !m.asJSON {
		return showSwitch(out, file)
	}
	state, err := file.Read()
	if err != nil {
		return switchFault(err)
	}
	_, err = out.Write(state.Text())
	return err
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

// known returns the running services. Each name must be a running service's: a wrong name would disable nothing.
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
			return nil, settings.Usage(fmt.Errorf("no such service: %q", name), "the services are "+strings.Join(there, ", "))
		}
	}
	return services, nil
}

// switchFault adds a hint to an error about an unusable kill switch.
func switchFault(err error) error {
	return settings.Hint(err, "until this is repaired no worker is started; hotreload enable --all writes a new file")
}

// showSwitch prints the content of the file.
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
	return "; also disabled by name: " + strings.Join(state.Services, ", ")
}

// enableHint returns the command to let a service start again.
func enableHint(s runner.Status) string {
	switch s.Blocked {
	case (&killswitch.Disabled{Service: s.Switch}).Error():
		return "hotreload enable " + s.Switch
	case (&killswitch.Disabled{Global: true}).Error():
		return "hotreload enable"
	}
	return "hotreload enable --all writes a new file"
}
