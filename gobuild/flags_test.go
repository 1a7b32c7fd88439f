package gobuild

import (
	"errors"
	"strings"
	"testing"
)

func TestIsFlag(t *testing.T) {
	for _, c := range []struct {
		arg        string
		takesValue bool
		ok         bool
	}{
		{"-tags", true, true},
		{"--tags", true, true},
		{"-tags=x", false, true},
		{"--tags=x,y", false, true},
		{"-race", false, true},
		{"-race=false", false, true},
		{"-ldflags", true, true},
		{"-buildvcs", false, true},
		{"-mod", true, true},
		{"-modfile=x.mod", false, true},
		{"-cover", false, true},
		{"-o", true, true},
		{"-listen", false, false},
		{"tags", false, false},
		{"-", false, false},
		{"--", false, false},
		{"---tags", false, false},
		{"", false, false},
	} {
		takesValue, ok := IsFlag(c.arg)
		if takesValue != c.takesValue || ok != c.ok {
			t.Errorf("%q: have %v %v, want %v %v", c.arg, takesValue, ok, c.takesValue, c.ok)
		}
	}
}

func TestParseFlags(t *testing.T) {
	for _, c := range []struct {
		name, args, want string // separated by |
		refused          string
	}{
		{"none", "", "", ""},
		{"three forms", "-tags|a|-tags=b|--tags=c|--tags|d", "-tags=a|-tags=b|-tags=c|-tags=d", ""},
		{"value like a flag", "-ldflags|-s -w", "-ldflags=-s -w", ""},
		{"switches", "-race|--cover|-buildvcs=auto", "-race|-cover|-buildvcs=auto", ""},
		{"empty value", "-ldflags=", "-ldflags=", ""},
		{"no value", "-tags", "", "needs a value"},
		{"unknown", "-rice", "", "-rice"},
		{"no flag", "x", "", "x is not"},
		{"output", "-o|x", "", "-o"},
		{"output joined", "--o=x", "", "-o"},
		{"change folder", "-C|sub", "", "-C"},
		{"dry run", "-n", "", "-n"},
		{"dry run off", "-n=false", "-n=false", ""},
		{"json", "-json", "", "-json"},
		{"pie", "-buildmode=pie", "-buildmode=pie", ""},
		{"library", "-buildmode=c-shared", "", "c-shared"},
	} {
		t.Run(c.name, func(t *testing.T) {
			flags, err := parseFlags(fields(c.args))
			if c.refused != "" {
				if !errors.Is(err, BadFlag) || !strings.Contains(err.Error(), c.refused) {
					t.Fatalf("have %v, want a BadFlag that says %q", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "flags", words(flags), fields(c.want))
		})
	}
}

func fields(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "|")
}

func TestBuildArgs(t *testing.T) {
	for _, c := range []struct {
		name, goflags, args string
		debug               bool
		want                string
	}{
		{"plain", "", "", false, "-buildvcs=false|-ldflags=-w"},
		{"debug", "", "", true, "-buildvcs=false"},
		{"vcs asked for", "", "-buildvcs", false, "-ldflags=-w|-buildvcs"},
		{"vcs auto", "", "-buildvcs=auto", false, "-ldflags=-w|-buildvcs=auto"},
		{"vcs in GOFLAGS", "-buildvcs=true", "", false, "-ldflags=-w"},
		{"linker flags", "", "-ldflags|-X main.v=1", false, "-buildvcs=false|-ldflags=-w|-ldflags=-w -X main.v=1"},
		{"user keeps DWARF", "", "-ldflags=-w=false", false, "-buildvcs=false|-ldflags=-w|-ldflags=-w -w=false"},
		{"emptied", "", "-ldflags=", false, "-buildvcs=false|-ldflags=-w|-ldflags=-w"},
		{"pattern", "", "-ldflags=./...=-s", false, "-buildvcs=false|-ldflags=-w|-ldflags=./...=-w -s"},
		{"pattern, no flags", "", "-ldflags=all=", false, "-buildvcs=false|-ldflags=-w|-ldflags=all=-w"},
		{"pattern and quotes", "", `-ldflags=all=-X 'main.v=a b'`, false,
			`-buildvcs=false|-ldflags=-w|-ldflags=all=-w -X 'main.v=a b'`},
		// go refuses the flag, in its own words
		{"quotes first", "", `-ldflags='-s'`, false, `-buildvcs=false|-ldflags=-w|-ldflags='-s'`},
		{"two lists", "", "-ldflags=-s|-ldflags=all=-X=a.b=c", false,
			"-buildvcs=false|-ldflags=-w|-ldflags=-w -s|-ldflags=all=-w -X=a.b=c"},
		{"GOFLAGS", "-ldflags=-s", "", false, "-buildvcs=false|-ldflags=-w|-ldflags=-w -s"},
		{"GOFLAGS quoted", `-mod=mod "-ldflags=-X main.v=1 -s" -race`, "", false,
			"-buildvcs=false|-ldflags=-w|-ldflags=-w -X main.v=1 -s"},
		{"GOFLAGS and ours", "--ldflags=-s", "-ldflags=all=-X=a.b=c", false,
			"-buildvcs=false|-ldflags=-w|-ldflags=-w -s|-ldflags=all=-w -X=a.b=c"},
		{"unoptimised", "", "-gcflags=all=-N -l", false, "-buildvcs=false|-gcflags=all=-N -l"},
		{"unoptimised in GOFLAGS", "-gcflags=-N", "-ldflags=-s", false, "-buildvcs=false|-ldflags=-s"},
		{"other compiler flags", "", "-gcflags=-m -d=-N", false, "-buildvcs=false|-ldflags=-w|-gcflags=-m -d=-N"},
		{"order stays", "", "-race|-ldflags=-s|-tags=a", false,
			"-buildvcs=false|-ldflags=-w|-race|-ldflags=-w -s|-tags=a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			flags, err := parseFlags(fields(c.args))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "arguments", buildArgs(c.goflags, flags, c.debug), fields(c.want))
		})
	}
}

func TestSplitQuoted(t *testing.T) {
	for _, c := range []struct {
		text, want string
		bad        bool
	}{
		{"", "", false},
		{"  a\tb\n", "a|b", false},
		{`'a b' "c d"`, "a b|c d", false},
		{`a'b c'`, "a'b|c'", false}, // a quote counts at the beginning of a word alone
		{`'a'b`, "a|b", false},
		{`'it"s'`, `it"s`, false},
		{`'a`, "", true},
	} {
		have, err := SplitQuoted(c.text)
		if (err != nil) != c.bad {
			t.Errorf("%q: error %v", c.text, err)
		} else if err == nil {
			equal(t, c.text, have, fields(c.want))
		}
	}
}
