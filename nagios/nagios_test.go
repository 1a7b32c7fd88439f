package nagios

import (
	"math"
	"strings"
	"testing"
)

func TestRange(t *testing.T) {
	for _, c := range []struct {
		text         string
		alarm, quiet []float64
	}{
		{"10", []float64{-1, 10.1, 11}, []float64{0, 5, 10}},
		{"0", []float64{-1, 0.1, 1}, []float64{0}}, // EXSyst rejects this range
		{"10:", []float64{9.9, 0, -1}, []float64{10, 1e9}},
		{"~:10", []float64{10.1}, []float64{10, -1e9}},
		{"10:20", []float64{9, 21}, []float64{10, 15, 20}},
		{"@10:20", []float64{10, 15, 20}, []float64{9.9, 20.1}},
		{"@10", []float64{0, 10}, []float64{-1, 11}},
		{"@~:0", []float64{0, -5}, []float64{1}},
		{":5", []float64{-1, 6}, []float64{0, 5}},
		{"-5:-1", []float64{0, -6}, []float64{-3}},
		{"1.5:2.5", []float64{1, 3}, []float64{2}},
		{"~:", nil, []float64{0, -1e9, 1e9}},
		{"1:", []float64{math.NaN()}, nil},
		{"@1:", []float64{math.NaN()}, nil},
	} {
		r, err := ParseRange(c.text)
		if err != nil || r.String() != c.text {
			t.Errorf("%s: %v, %v", c.text, r, err)
		}
		for _, value := range c.alarm {
			if !r.Alarms(value) {
				t.Errorf("%s does not alarm of %v", c.text, value)
			}
		}
		for _, value := range c.quiet {
			if r.Alarms(value) {
				t.Errorf("%s alarms of %v", c.text, value)
			}
		}
	}
	for _, text := range []string{"", "@", "x", "1:x", "x:1", "20:10", "1:2:3", "NaN", "Inf", "~", "@@1", "1:~"} {
		if r, err := ParseRange(text); err == nil {
			t.Errorf("%q is taken: %+v", text, r)
		}
	}
	if (Range{}).Alarms(1e9) {
		t.Error("no range alarms")
	}
}

func FuzzParseRange(f *testing.F) {
	for _, text := range []string{"10", "@~:5", "1:2", ":", "", "1e3:", "-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRange(text)
		if err != nil {
			return
		}
		opposite := r
		opposite.inside = !r.inside
		for _, value := range []float64{-1, 0, 1, r.low, r.high, 1e300} {
			if !math.IsNaN(value) && r.Alarms(value) == opposite.Alarms(value) {
				t.Errorf("%q and its opposite agree on %v", text, value)
			}
		}
	})
}

func TestLine(t *testing.T) {
	ten, zero := 10.0, new(float64)
	warning, _ := ParseRange("5")
	critical, _ := ParseRange("@8:9")
	have := Line("HOTRELOAD", Warning, "a|b\nc", []Datum{
		{Label: "ready", Value: 1, Warning: warning, Critical: critical, Min: zero, Max: &ten},
		{Label: "it's = a", Value: 1.25e6, Unit: "B"},
		{Label: "none", Value: math.NaN()},
	})
	if want := `HOTRELOAD WARNING - a/b c | ready=1;5;@8:9;0;10 'it''s _ a'=1250000B none=U`; have != want {
		t.Errorf("have %s\nwant %s", have, want)
	}
	if strings.Count(Line("X", OK, "", nil), "|") != 0 {
		t.Error("no data, and a bar")
	}
}

func TestWorse(t *testing.T) {
	for _, c := range []struct{ a, b, want Result }{
		{OK, Warning, Warning}, {Critical, Warning, Critical}, {Unknown, OK, Unknown},
		{Unknown, Critical, Critical}, {Warning, Unknown, Warning},
	} {
		if have := Worse(c.a, c.b); have != c.want {
			t.Errorf("%v, %v: %v", c.a, c.b, have)
		}
	}
}
