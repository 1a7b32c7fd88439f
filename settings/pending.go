package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Pending returns the settings that have changed but take effect only at the next start of hotreload. The name of a
// service's setting begins with the service.
func (r *Resolved) Pending(now *Resolved) []string {
	same := func(a, b *Service) bool { return a.Config.Name == b.Config.Name }
	if !slices.EqualFunc(r.Services, now.Services, same) {
		return []string{"another set of services"}
	}
	var names []string
	before, after := r.startup(), now.startup()
	for name, value := range after {
		if !reflect.DeepEqual(before[name], value) && fmt.Sprint(before[name]) != fmt.Sprint(value) { // [] is no change
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// startup returns the values that a running hotreload cannot change.
func (r *Resolved) startup() map[string]any {
	values := map[string]any{}
	for _, s := range all {
		switch {
		case s.Change != Pending:
		case s.Where&InBrowser != 0:
			if r.file != nil {
				values["browser."+s.Key()] = BrowserTable.in(r.file.top).values[s.Key()]
			}
		case s.Where&InService == 0:
			values[s.Key()] = r.Values.text(s)
		default:
			for _, service := range r.Services {
				name := s.Key()
				if service.Config.Name != "" {
					name = service.Config.Name + "." + name
				}
				if s.Effect != nil {
					values[name] = s.Effect(service)
				} else {
					values[name] = service.Values.text(s)
				}
			}
		}
	}
	return values
}

// PendingOf returns the pending settings of a service, without its name.
func PendingOf(pending []string, service string) []string {
	var names []string
	for _, name := range pending {
		of, key, among := strings.Cut(name, ".")
		switch {
		case !among:
			names = append(names, name)
		case of == service:
			names = append(names, key)
		}
	}
	return names
}
