//go:build unix

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// besideAir shows medians, ratios within a round, and failed requests.
func besideAir(tools []*contender, rounds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nsave → first answer of the new code, %d rounds\n\n", rounds)
	fmt.Fprintf(&b, "| | median | p10 | p90 | × air | requests | failed | not served |\n"+
		"| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, c := range tools {
		ratio := "–"
		if base := find(tools, "air"); base != nil {
			ratio = ratioTo(base, c)
		}
		served := slices.DeleteFunc(slices.Clone(c.times), func(d time.Duration) bool { return d == 0 })
		if len(served) == 0 {
			served = []time.Duration{0}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d | %d | %d |\n", c.name, ms(quantile(served, 0.5)),
			ms(quantile(served, 0.1)), ms(quantile(served, 0.9)), ratio, c.requests, c.failed, c.unserved)
	}
	return b.String()
}

// ratioTo returns the median of the ratios within a round, of rounds in which both have served.
func ratioTo(base, c *contender) string {
	var ratios []float64
	for i, took := range c.times {
		if took == 0 || base.times[i] == 0 {
			continue
		}
		ratios = append(ratios, float64(took)/float64(base.times[i]))
	}
	if len(ratios) == 0 {
		return "–"
	}
	slices.Sort(ratios)
	return fmt.Sprintf("%.2f", ratios[len(ratios)/2])
}

// table shows medians, the spread, and each contender's ratio to `go build` of the same round.
func table(tools []*contender, rounds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nsave → first answer of the new code, %d rounds (go build: the command alone)\n\n", rounds)
	fmt.Fprintf(&b, "| | median | p10 | p90 | × go build |\n| --- | --- | --- | --- | --- |\n")
	base := find(tools, "go build")
	for _, c := range tools {
		ratio := "–"
		if base != nil {
			ratio = ratioTo(base, c)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c.name, ms(quantile(c.times, 0.5)),
			ms(quantile(c.times, 0.1)), ms(quantile(c.times, 0.9)), ratio)
	}
	if ours, bare := find(tools, "hotreload"), find(tools, "go build -w"); ours != nil && bare != nil {
		var added []time.Duration
		for i := range ours.times {
			added = append(added, ours.times[i]-bare.times[i])
		}
		fmt.Fprintf(&b, "\nhotreload adds %s at the median to the build that it runs (go build -w), the program's own "+
			"start included\n", ms(quantile(added, 0.5)))
	}
	return b.String()
}

func find(tools []*contender, name string) *contender {
	for _, c := range tools {
		if c.name == name {
			return c
		}
	}
	return nil
}

func quantile(times []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
