package debugger

import "testing"

func TestObstacle(t *testing.T) {
	for _, c := range []struct {
		scope       string
		agent, root bool
		free        bool
	}{
		{"0", false, false, true}, {"1", true, false, true}, {"1", false, false, false}, {"1", false, true, true},
		{"2", true, false, false}, {"2", true, true, true}, {"3", true, true, false},
	} {
		if text, _ := obstacle(c.scope, c.agent, c.root); (text == "") != c.free {
			t.Errorf("%+v: have %q", c, text)
		}
	}
}
