package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestReleaseFiles compares .goreleaser.yaml with the repository: the variable for the version, the files that
// .ci/release-files writes, the Dockerfile and the documents. goreleaser check looks at the rest.
func TestReleaseFiles(t *testing.T) {
	text, err := os.ReadFile(".goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Builds []struct {
			Ldflags []string `yaml:"ldflags"`
		} `yaml:"builds"`
		Nfpms []struct {
			Formats  []string `yaml:"formats"`
			Contents []struct {
				Src string `yaml:"src"`
			} `yaml:"contents"`
		} `yaml:"nfpms"`
		Dockers []struct {
			Dockerfile string `yaml:"dockerfile"`
		} `yaml:"dockers_v2"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`-X hotreload/cli\.(\w+)=`).FindStringSubmatch(config.Builds[0].Ldflags[0])
	source, err := os.ReadFile(filepath.Join("cli", "version.go"))
	if err != nil {
		t.Fatal(err)
	}
	if variable == nil || !strings.Contains(string(source), "\nvar "+variable[1]+" string\n") {
		t.Errorf("the linker's flags name no variable of package cli: %v", variable)
	}
	script, err := os.ReadFile(filepath.Join(".ci", "release-files"))
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Nfpms[0].Contents) < 4 || len(config.Nfpms[0].Formats) < 3 {
		t.Errorf("packages without a manual page or completions: %+v", config.Nfpms[0])
	}
	for _, content := range config.Nfpms[0].Contents {
		name := filepath.Base(content.Src)
		written := strings.Contains(string(script), name) ||
			strings.Contains(string(script), "in bash zsh fish") && strings.HasPrefix(name, "hotreload.")
		if !written {
			t.Errorf("nothing writes %s", content.Src)
		}
	}
	if _, err := os.Stat(config.Dockers[0].Dockerfile); err != nil {
		t.Error(err)
	}
}
