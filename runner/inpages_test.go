package runner

import (
	"strings"
	"testing"
	"time"

	"hotreload/problems"
	"hotreload/supervisor"
	"hotreload/watch"
)

func TestProblemsInPages(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	var s standing
	serving := 1
	failed := func(page, message string, generation, second int) {
		e := PageError{Page: page, Generation: generation, Message: message, At: at(second)}
		s.inPage(e, problems.Problem{Message: message}, serving)
	}
	serves := func(generation int) {
		s.hear(supervisor.Serving{Generation: generation}, nil, generation, serving)
		serving = generation
	}
	changed := func(path string, class Class) {
		s.live([]Effect{{Change: watch.Change{Path: path}, Class: class}})
	}
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"an error", func() { failed("/", "a", 1, 10) }, "a"},
		{"twice", func() { failed("/", "a", 1, 12) }, "a"},
		{"in another page, too", func() { failed("/x", "a", 1, 13) }, "a"},
		{"another one", func() { failed("/x", "b", 1, 13) }, "a b"},
		{"the page's document is older than the error", func() { s.asked("/x", at(12)) }, "a b"},
		{"the page was loaded again", func() { s.asked("/x", at(14)) }, "a"},
		{"the error came again later than this document", func() { s.asked("/", at(11)) }, "a"},
		{"a stylesheet changed", func() { changed("/src/a.css", Live) }, "a"},
		{"a file changed for which the next generation starts", func() { changed("/src/a.js", Restart) }, "a"},
		{"a live script changed", func() { changed("/src/a.js", Live) }, ""},
		{"an error again", func() { failed("/", "a", 1, 20) }, "a"},
		{"a page of a generation that does not serve yet", func() { failed("/", "new", 2, 21) }, "a new"},
		{"the same generation serves in another slot", func() { serves(1) }, "a new"},
		{"another generation serves", func() { serves(2) }, "new"},
		{"a page that has yet to reload", func() { failed("/", "old", 1, 22) }, "new"},
	} {
		step.do()
		var have []string
		all, _ := s.now(false)
		for _, p := range all {
			have = append(have, p.Message)
		}
		if strings.Join(have, " ") != step.want {
			t.Fatalf("%s: have %q, want %q", step.name, have, step.want)
		}
	}
	for i := range 3 * mostInPages {
		failed("/many", strings.Repeat("x", i), 2, 30)
	}
	if all, _ := s.now(false); len(all) != mostInPages {
		t.Errorf("%d errors are stored, want %d", len(all), mostInPages)
	}
}

func TestProblemOfPageError(t *testing.T) {
	files := []string{"/src/static/app.js", "/src/admin/app.js", "/src/static/main.js", "/src/page.html"}
	for _, c := range []struct {
		name string
		PageError
		want string
	}{
		{"in a file", PageError{Page: "/a", Script: "/static/app.js", Line: 3, Column: 9},
			"/src/static/app.js:3:9: x (page /a)"},
		{"in a file that is served from elsewhere", PageError{Page: "/a", Script: "/assets/main.js", Line: 3, Column: 9},
			"/src/static/main.js:3:9: x (page /a)"},
		{"in one of two files", PageError{Page: "/a", Script: "/app.js", Line: 3, Column: 9},
			"browser: x (page /a, script /app.js:3:9)"},
		{"in a file that is not known", PageError{Page: "/a", Script: "/lib.js", Line: 3, Column: 9},
			"browser: x (page /a, script /lib.js:3:9)"},
		{"in the page", PageError{Page: "/a", Script: "/a", Line: 3, Column: 9}, "browser: x (page /a:3:9)"},
		{"a rejected promise", PageError{Page: "/a"}, "browser: x (page /a)"},
		{"the root has no name", PageError{Page: "/", Script: "/", Line: 3, Column: 9}, "browser: x (page /:3:9)"},
	} {
		c.Message = "x"
		p := c.problem(files)
		if have := p.Text(func(file string) string { return file }); have != c.want || p.Tool != problems.Browser {
			t.Errorf("%s: have %q, want %q", c.name, have, c.want)
		}
	}
}
