package migrate

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// templierFile is templier.yml, as far as needed here.
type templierFile struct {
	App struct {
		DirCmd  string   `yaml:"dir-cmd"`
		DirWork string   `yaml:"dir-work"`
		Host    string   `yaml:"host"`
		Flags   []string `yaml:"flags"`
		Exclude []string `yaml:"exclude"`
	} `yaml:"app"`
	Compiler map[string]any `yaml:"compiler"`
	Log      struct {
		ClearOn string `yaml:"clear-on"`
	} `yaml:"log"`
	Lint     bool `yaml:"lint"`
	Watchers []struct {
		Name     string   `yaml:"name"`
		Cmd      string   `yaml:"cmd"`
		Include  []string `yaml:"include"`
		Requires string   `yaml:"requires"`
	} `yaml:"custom-watchers"`
}

// templier takes over templier.yml.
func (l *look) templier() {
	for _, name := range []string{"templier.yml", "templier.yaml"} {
		if !l.exists(name) {
			continue
		}
		var file templierFile
		l.at(name, "the file")
		if err := yaml.Unmarshal([]byte(text(l.files, name)), &file); err != nil {
			l.decide("cannot be read: %s", strings.TrimPrefix(err.Error(), "yaml: "))
			return
		}
		l.templierApp(name, &file)
		for _, w := range file.Watchers {
			l.at(name, "custom-watchers "+w.Name)
			if w.Cmd == "" {
				l.needless("%s", watchedByUse)
				continue
			}
			rule := Rule{
				Run:   w.Cmd,
				Class: map[string]string{"reload": "live", "restart": "restart", "": "live"}[w.Requires],
			}
			for _, pattern := range w.Include {
				if pattern = strings.TrimPrefix(pattern, "./"); !strings.Contains(pattern, "/") {
					pattern = "**/" + pattern
				}
				rule.Match = append(rule.Match, pattern)
			}
			l.run = append(l.run, "tailwindcss") // such watchers are mostly for Tailwind CSS
			l.rule(rule)
		}
		return
	}
}

func (l *look) templierApp(name string, file *templierFile) {
	if file.App.DirCmd != "" {
		l.at(name, "app.dir-cmd")
		l.program("", []string{file.App.DirCmd})
	}
	if len(file.App.Flags) > 0 {
		l.at(name, "app.flags")
		l.arguments(file.App.Flags, true)
	}
	if dir := strings.Trim(file.App.DirWork, "./"); dir != "" {
		l.at(name, "app.dir-work")
		l.set("dir", dir)
	}
	if file.App.Host != "" {
		l.at(name, "app.host")
		l.needless("pages reload without a proxy: open %s, the program's own port", file.App.Host)
	}
	if file.Log.ClearOn != "" {
		l.at(name, "log.clear-on")
		l.set("clear", true)
	}
	if file.Lint {
		l.at(name, "lint")
		l.decide("editors and CI do it; it would hold up each reload")
	}
	var flags []string
	for _, flag := range []string{"race", "msan", "trimpath", "tags", "ldflags", "gcflags", "mod", "p"} {
		switch value := file.Compiler[flag].(type) {
		case bool:
			if value {
				flags = append(flags, "-"+flag)
			}
		case string:
			flags = append(flags, "-"+flag+"="+value)
		case []any:
			flags = append(flags, "-"+flag+"="+strings.Join(listOf(value), ","))
		}
	}
	if len(flags) > 0 {
		l.at(name, "compiler")
		l.set("build_flags", flags)
	}
	l.at(name, "templ")
	l.run = append(l.run, "templ")
	l.rule(Rule{Match: sources["templ"], Run: l.tooled("templ") + " generate"})
}
