package problems

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
)

// The part of SARIF 2.1.0 (Static Analysis Results Interchange Format, an OASIS standard) needed for problems.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool            `json:"tool"`
		ColumnKind string               `json:"columnKind"`
		Bases      map[string]sarifFile `json:"originalUriBaseIds"`
		Results    []sarifResult        `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name string `json:"name"`
	}
	sarifResult struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		File   sarifFile    `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitempty"`
	}
	sarifFile struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn,omitempty"`
	}
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	sarifBase   = "%SRCROOT%"
)

// SARIF returns a SARIF log, for JSON, with a run for each tool. Files below dir get names relative to dir. lineOf
// returns a line of a file: a log counts columns in UTF-16, as editors do. A log without problems has one empty run of
// hotreload's.
func SARIF(all []Problem, dir string, lineOf func(file string, line int) string) any {
	log := sarifLog{Schema: sarifSchema, Version: "2.1.0"}
	tools := []string{}
	for _, p := range all {
		if !slices.Contains(tools, p.Tool) {
			tools = append(tools, p.Tool)
		}
	}
	if len(tools) == 0 {
		tools = []string{Hotreload}
	}
	for _, tool := range tools {
		run := sarifRun{Tool: sarifTool{sarifDriver{tool}}, ColumnKind: "utf16CodeUnits", Results: []sarifResult{},
			Bases: map[string]sarifFile{sarifBase: {URI: fileURL(dir) + "/"}}}
		for _, p := range all {
			if p.Tool == tool {
				run.Results = append(run.Results, sarifOf(p, dir, lineOf))
			}
		}
		log.Runs = append(log.Runs, run)
	}
	return log
}

func sarifOf(p Problem, dir string, lineOf func(file string, line int) string) sarifResult {
	result := sarifResult{Level: "error", Message: sarifText{p.Message}}
	if p.File == "" {
		return result
	}
	at := sarifPhysical{File: sarifFile{URI: fileURL(p.File)}}
	if rel, err := filepath.Rel(dir, p.File); err == nil && filepath.IsLocal(rel) {
		at.File = sarifFile{URI: relativeURL(rel), Base: sarifBase}
	}
	if p.Line > 0 {
		at.Region = &sarifRegion{Line: p.Line}
		if p.Column > 0 {
			at.Region.Column = inUTF16(lineOf(p.File, p.Line), p.Column)
		}
	}
	result.Locations = []sarifLocation{{at}}
	return result
}

// inUTF16 converts a column in bytes.
func inUTF16(line string, column int) int {
	if column-1 > len(line) { // the file has changed by now
		return column
	}
	return len(utf16.Encode([]rune(line[:column-1]))) + 1
}

func fileURL(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // a drive letter
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

func relativeURL(path string) string {
	return (&url.URL{Path: filepath.ToSlash(path)}).String()
}
