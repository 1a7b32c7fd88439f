package ignore

import (
	"fmt"
	"strings"
)

// rules are the rules of one file, in the file's order.
type rules []Rule

// last returns the last rule that matches e, or nil. The rules' file is in the folder base.
func (rs rules) last(e *entry, base string) *Rule {
	for i := len(rs) - 1; i >= 0; i-- {
		if rs[i].match(e, base) {
			return &rs[i]
		}
	}
	return nil
}

// parseFile reads the content of a rule file. Lines that can never match are reported and affect no other line.
func parseFile(content, file string, layer layer) (rules, []error) {
	var rs rules
	var errs []error
	content = strings.TrimPrefix(content, "\ufeff")
	line := 0
	for text := range strings.SplitSeq(content, "\n") {
		line++
		if strings.HasPrefix(text, "#") {
			continue
		}
		text = strings.TrimSuffix(text, "\r")
		text, _, _ = strings.Cut(text, "\x00")
		if text = trimSpaces(text); text == "" {
			continue
		}
		var err error
		rs, err = rs.add(text, file, line, layer)
		if err != nil {
			errs = append(errs, err)
		}
	}
	return rs, errs
}

// parseArgs reads the patterns of the command line.
func parseArgs(patterns []string) (rules, []error) {
	var rs rules
	var errs []error
	for i, text := range patterns {
		text, _, _ = strings.Cut(text, "\x00")
		var err error
		rs, err = rs.add(text, "--ignore", i+1, layerUser)
		if err != nil {
			errs = append(errs, err)
		}
	}
	return rs, errs
}

func (rs rules) add(text, file string, line int, layer layer) (rules, error) {
	r, err := newRule(text)
	r.File, r.Line, r.layer = file, line, layer
	if err != nil {
		err = fmt.Errorf("%s:%d: %q never matches: %w", file, line, text, err)
	}
	return append(rs, r), err
}

// trimSpaces drops spaces at the end of a line, but not escaped ones. A tab is part of the name.
func trimSpaces(s string) string {
	end := 0
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' {
			continue
		}
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		end = i + 1
	}
	return s[:end]
}
