package settings

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the parts of docs/reference.md that come from the table")

const reference = "../docs/reference.md"

// TestReference compares the generated parts of the reference with the table of settings. Each part stands between
// <!-- from settings: NAME --> and <!-- end -->. With -update the test writes the parts.
func TestReference(t *testing.T) {
	page, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{
		"flags": flagsPart(), "keys": keysPart(InFile), "service": keysPart(InService) + alsoInService(),
		"rule":    keysPart(InRule),
		"browser": keysPart(InBrowser),
		"pending": pendingPart(), "environment": environmentPart(),
	}
	marked := regexp.MustCompile(`(?s)<!-- from settings: (\w+) -->\n(.*?)<!-- end -->`)
	fresh := marked.ReplaceAllStringFunc(string(page), func(old string) string {
		name := marked.FindStringSubmatch(old)[1]
		part, known := parts[name]
		if !known {
			t.Errorf("there is no part %s, or it is there twice", name)
		}
		delete(parts, name)
		return "<!-- from settings: " + name + " -->\n\n" + part + "\n<!-- end -->"
	})
	for name := range parts {
		t.Errorf("the part %s is not in %s", name, reference)
	}
	fresh = contents.ReplaceAllString(fresh, "<!-- contents -->\n\n"+strings.ReplaceAll(contentsOf(fresh), "$", "$$")+
		"\n<!-- end -->\n\n## Flags")
	switch {
	case fresh == string(page):
	case *update:
		if err := os.WriteFile(reference, []byte(fresh), 0o666); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s does not say what the table says: go test ./settings -update\n%s", reference,
			difference(string(page), fresh))
	}
}

// contents is the table of contents, in front of the first section.
var contents = regexp.MustCompile(`(?s)<!-- contents -->\n.*?<!-- end -->\n\n## Flags`)

// contentsOf lists a page's sections, each with its flags, keys and commands in one paragraph.
func contentsOf(page string) string {
	var b strings.Builder
	indent, section := "", ""
	var below []string
	end := func() {
		if section == "" {
			return
		}
		if below != nil {
			section += ": " + strings.Join(below, " · ")
		}
		lines := Wrap(section, 120-2-len(indent))
		b.WriteString(indent + "- " + strings.Join(lines, "\n"+indent+"  ") + "\n")
		below = nil
	}
	code, value := regexp.MustCompile("`([^`]+)`"), regexp.MustCompile(` = | ?[[A-Z<].*|=.*`)
	seen := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^(#{2,4}) (.*)$`).FindAllStringSubmatch(page, -1) {
		level, title := len(m[1]), m[2]
		address := anchor(title)
		seen[address]++
		if n := seen[address]; n > 1 {
			address += fmt.Sprint("-", n-1) // GitHub's rule for repeated headings
		}
		if level < 4 {
			end()
			indent, section = strings.Repeat("  ", level-2), fmt.Sprintf("[%s](#%s)", title, address)
			continue
		}
		names := code.FindAllStringSubmatch(title, -1)
		name := names[0][1]
		if strings.HasPrefix(name, "-") {
			name = names[len(names)-1][1] // of -l and --listen, the long one
		}
		if name = strings.TrimPrefix(name, "hotreload "); !strings.HasPrefix(name, "[") {
			name = value.Split(name, 2)[0]
		}
		below = append(below, fmt.Sprintf("[`%s`](#%s)", name, address))
	}
	end()
	return b.String()
}

// anchor is the fragment of a heading's address on GitHub.
func anchor(heading string) string {
	words := regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(words, " ", "-")
}

// difference is the first line in which the two texts differ.
func difference(have, want string) string {
	a, b := strings.Split(have, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\nhave %s\nwant %s", i+1, a[i], b[i])
		}
	}
	return ""
}

func flagsPart() string {
	var b strings.Builder
	for _, group := range Groups {
		fmt.Fprintf(&b, "### %s\n\n", group)
		for _, s := range group.Flags() {
			fmt.Fprintf(&b, "#### `%s`\n\n%s", strings.Replace(s.Usage(), ", ", "`, `", 1), paragraphs(s.Doc))
			if facts := facts(s); facts != "" {
				b.WriteString(facts + "\n\n")
			}
		}
		if group == Everyday {
			b.WriteString("#### `-h`, `--help`, `--version`\n\nPrint help, or hotreload's version.\n\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// facts are the flag's key with an example, where the key may stand, and the default.
func facts(s *Setting) string {
	var all []string
	if s.Where&InFile != 0 {
		all = append(all, "`"+s.Line()+"`")
	}
	if s.Where&InService != 0 {
		all = append(all, "service")
	}
	if s.Change == Pending {
		all = append(all, "pending")
	}
	if s.Repeatable() {
		all = append(all, "repeatable")
	}
	if standard := NewValues().flags.Lookup(s.Name).DefValue; !slices.Contains([]string{"", "false", "0", "0s", "[]"},
		standard) {
		all = append(all, "default `"+standard+"`")
	}
	return strings.Join(all, " · ")
}

// keysPart describes the keys of a place without a flag.
func keysPart(place Where) string {
	var b strings.Builder
	for _, s := range KeysIn(place) {
		if !s.Flag() {
			fmt.Fprintf(&b, "#### `%s`\n\n%s", s.Line(), paragraphs(s.Doc))
			if s.Change == Pending {
				b.WriteString("pending\n\n")
			}
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// alsoInService names the keys for all services that may also stand in the table of one.
func alsoInService() string {
	var names []string
	for _, s := range KeysIn(InService) {
		if s.Where&InFile != 0 && s.Name != Package.Name {
			names = append(names, "`"+s.Key()+"`")
		}
	}
	return "\n" + strings.TrimSuffix(paragraphs("A service's table may also hold these keys, which override their values "+
		"for all services: "+strings.Join(names, ", ")+"."), "\n")
}

// pendingPart names the settings that need a new start of hotreload.
func pendingPart() string {
	var names []string
	for _, s := range All() {
		if s.Change == Pending {
			names = append(names, "`"+s.Key()+"`")
		}
	}
	return strings.TrimSuffix(paragraphs(strings.Join(names, ", ")+"."), "\n")
}

func environmentPart() string {
	var b strings.Builder
	for _, v := range Variables() {
		b.WriteString(strings.Join(Wrap("- "+v.Names+": "+v.Doc, 118), "\n  ") + "\n")
	}
	return b.String()
}

// paragraphs breaks text into lines, with an empty one after each paragraph.
func paragraphs(text string) string {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		indent := ""
		if strings.HasPrefix(paragraph, "- ") {
			indent = "  "
		}
		b.WriteString(strings.Join(Wrap(paragraph, 120-len(indent)), "\n"+indent) + "\n\n")
	}
	return b.String()
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"one two three", []string{"one two", "three"}},
		{"a `b c d e f g h` i", []string{"a", "`b c d e f g h`", "i"}},
		{"größe `x`: y", []string{"größe `x`:", "y"}},
	} {
		if have := Wrap(c.text, 10); !slices.Equal(have, c.want) {
			t.Errorf("%q: have %q, want %q", c.text, have, c.want)
		}
	}
}
