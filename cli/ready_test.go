package cli

import (
	"strings"
	"testing"

	"hotreload/control"
)

func TestUnready(t *testing.T) {
	for _, c := range []struct {
		name string
		of   control.PublicService
		want string // in the error; "" = ready
	}{
		{"serves", control.PublicService{Serving: 3, Wanted: 2, Ready: 2}, ""},
		{"one of two", control.PublicService{Serving: 3, Wanted: 2, Ready: 1}, ""},
		{"old code serves", control.PublicService{Serving: 3, Wanted: 1, Ready: 1, Stale: true}, ""},
		{"is being replaced", control.PublicService{Serving: 3, Wanted: 1, Ready: 1, Phase: "replacing"}, ""},
		{"first build", control.PublicService{Wanted: 1, Phase: "building"}, "not ready: no generation has served yet"},
		{"workers crash", control.PublicService{Serving: 3, Wanted: 2}, "not ready: 0 of 2 workers ready"},
		{"stopped", control.PublicService{Name: "web", Serving: 3}, "web: not ready: stopped"},
		{"built", control.PublicService{Serving: 1, BuildOnly: true}, ""},
		{"not built", control.PublicService{BuildOnly: true}, "not ready: the program is not built yet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := unready([]control.PublicService{{Serving: 1, Ready: 1}, c.of})
			switch {
			case c.want == "" && err != nil:
				t.Errorf("have %v, want ready", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("have %v, want %s", err, c.want)
			}
		})
	}
}
