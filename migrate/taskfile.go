package migrate

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// taskfiles are the names of Task's file, in the order in which task looks for them.
var taskfiles = []string{"Taskfile.yml", "taskfile.yml", "Taskfile.yaml", "taskfile.yaml"}

// task is one task of a Taskfile. A task may also be a list of commands, or a single one.
type task struct {
	Deps []any  `yaml:"deps"`
	Cmds []any  `yaml:"cmds"`
	Cmd  string `yaml:"cmd"`
	Dir  string `yaml:"dir"`
}

// UnmarshalYAML reads the short forms, too.
func (t *task) UnmarshalYAML(node *yaml.Node) error {
	switch node.Kind {
	case yaml.ScalarNode:
		return node.Decode(&t.Cmd)
	case yaml.SequenceNode:
		return node.Decode(&t.Cmds)
	}
	type whole task // without this method
	return node.Decode((*whole)(t))
}

// taskfile reads the tasks, and simple variables.
func (l *look) taskfile() (tasks map[string]task, variables map[string]any) {
	var file struct {
		Vars  map[string]any  `yaml:"vars"`
		Tasks map[string]task `yaml:"tasks"`
	}
	for _, name := range taskfiles {
		if source := text(l.files, name); source != "" {
			if yaml.Unmarshal([]byte(source), &file) != nil {
				return nil, nil
			}
			break
		}
	}
	return file.Tasks, file.Vars
}

// tasks takes over task NAME: the commands of the task.
func (l *look) tasks(c command, names []string) {
	all, variables := l.taskfile()
	if len(names) == 0 {
		names = []string{"default"}
	}
	for _, name := range names {
		t, known := all[name]
		switch {
		case strings.HasPrefix(name, "-") || strings.Contains(name, "="):
			continue
		case !known || l.depth == makeDepth:
			l.decide("%s: the Taskfile has no task %s that can be read", c.text, name)
			continue
		}
		l.depth++
		for _, dep := range t.Deps {
			l.oneTask(c, dep, variables, t.Dir, true)
		}
		if t.Cmd != "" {
			l.oneTask(c, t.Cmd, variables, t.Dir, false)
		}
		for _, one := range t.Cmds {
			l.oneTask(c, one, variables, t.Dir, false)
		}
		l.depth--
	}
}

// oneTask takes over a command of a task, or another task; a bare name of deps is a task.
func (l *look) oneTask(c command, one any, variables map[string]any, dir string, names bool) {
	switch one := one.(type) {
	case string:
		if names {
			l.tasks(c, []string{one})
			return
		}
		for name, value := range variables {
			if value, simple := value.(string); simple {
				one = strings.NewReplacer("{{."+name+"}}", value, "{{ ."+name+" }}", value).Replace(one)
			}
		}
		l.line(one, dir)
	case map[string]any:
		if name, isTask := one["task"].(string); isTask {
			l.tasks(c, []string{name})
		} else if line, isLine := one["cmd"].(string); isLine {
			l.oneTask(c, line, variables, dir, false)
		}
	}
}
