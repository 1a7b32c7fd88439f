// Package nagios has the conventions of Nagios plugins, as in the Monitoring Plugins Development Guidelines: ranges of
// alarming values, results and performance data. Icinga, Naemon and Checkmk run such plugins, too.
package nagios

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Result is a plugin's exit code.
type Result int

const (
	OK Result = iota
	Warning
	Critical
	Unknown
)

func (r Result) String() string { return [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[r] }

// Worse returns the more urgent result: an alarm is more urgent than "unknown".
func Worse(a, b Result) Result {
	rank := [...]int{OK: 0, Unknown: 1, Warning: 2, Critical: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// Range is a range of alarming values. The zero Range is written "", and no value alarms.
type Range struct {
	low, high float64
	inside    bool // values from low to high alarm; otherwise values outside
	set       bool
	text      string
}

// ParseRange parses a range: 10 (alarming below 0 or above 10), 10: (below 10), ~:10 (above 10), 10:20 (outside),
// @10:20 (inside, ends included).
func ParseRange(text string) (Range, error) {
	r := Range{set: true, text: text}
	rest, inside := strings.CutPrefix(text, "@")
	r.inside = inside
	low, high, both := strings.Cut(rest, ":")
	if !both {
		low, high = "0", rest
		if rest == "" {
			return Range{}, errors.New("it is empty")
		}
	}
	var err error
	switch low {
	case "~":
		r.low = math.Inf(-1)
	case "":
		r.low = 0 // as in the reference plugins
	default:
		if r.low, err = number(low); err != nil {
			return Range{}, err
		}
	}
	switch high {
	case "":
		r.high = math.Inf(1)
	default:
		if r.high, err = number(high); err != nil {
			return Range{}, err
		}
	}
	if r.low > r.high {
		return Range{}, fmt.Errorf("%s is more than %s", low, high)
	}
	return r, nil
}

func number(text string) (float64, error) {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return value, nil
}

// Alarms reports whether a value is alarming.
func (r Range) Alarms(value float64) bool {
	if !r.set {
		return false
	}
	if math.IsNaN(value) {
		return true
	}
	return (value >= r.low && value <= r.high) == r.inside
}

func (r Range) String() string { return r.text }

// Datum is one item of performance data.
type Datum struct {
	Label             string
	Value             float64
	Unit              string // s, %, B, c or none
	Warning, Critical Range
	Min, Max          *float64
}

func (d Datum) String() string {
	label := strings.NewReplacer("'", "''", "=", "_", "\n", " ").Replace(d.Label)
	if strings.ContainsAny(label, " '") {
		label = "'" + label + "'"
	}
	return strings.TrimRight(fmt.Sprintf("%s=%s%s;%s;%s;%s;%s", label, Number(d.Value), d.Unit, d.Warning,
		d.Critical, optional(d.Min), optional(d.Max)), ";")
}

// Number formats a value for performance data: without an exponent; U for infinite and undefined numbers.
func Number(value float64) string {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return "U" // undetermined
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}

func optional(value *float64) string {
	if value == nil {
		return ""
	}
	return Number(*value)
}

// Line returns a plugin's output: one line, with the data behind a bar. The text must not contain a bar.
func Line(what string, result Result, text string, data []Datum) string {
	var shown []string
	for _, d := range data {
		shown = append(shown, d.String())
	}
	text = strings.NewReplacer("|", "/", "\n", " ").Replace(text)
	line := what + " " + result.String()
	if text != "" {
		line += " - " + text
	}
	if len(shown) > 0 {
		line += " | " + strings.Join(shown, " ")
	}
	return line
}
