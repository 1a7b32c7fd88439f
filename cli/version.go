package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// release is the version of a release, set by -ldflags=-X hotreload/cli.release=…; else go knows the version.
var release string

// version is hotreload's version in one word.
var version = func() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(release, info)
}()

// versionOf returns the release, or else the version of the module: as resolved by go install and go get, or as made by
// go from the repository's tags and commits.
func versionOf(release string, info *debug.BuildInfo) string {
	switch {
	case release != "":
		return "v" + strings.TrimPrefix(release, "v")
	case info == nil || info.Main.Version == "" || info.Main.Version == "(devel)":
		return "dev"
	}
	return info.Main.Version
}

// shownVersion is the version with what hotreload was built from and by.
func shownVersion(version string, info *debug.BuildInfo) string {
	if info == nil {
		return version
	}
	vcs := map[string]string{}
	for _, s := range info.Settings {
		vcs[s.Key] = s.Value
	}
	var from []string
	if revision := vcs["vcs.revision"]; revision != "" {
		short := revision[:min(12, len(revision))]
		if !strings.Contains(version, short) {
			from = append(from, "revision "+short)
		}
		if day, _, dated := strings.Cut(vcs["vcs.time"], "T"); dated {
			from = append(from, "of "+day)
		}
		if vcs["vcs.modified"] == "true" {
			from = append(from, "modified")
		}
	}
	text := version
	if len(from) > 0 {
		text += " (" + strings.Join(from, ", ") + ")"
	}
	return fmt.Sprintf("%s, built with %s for %s/%s", text, info.GoVersion, runtime.GOOS, runtime.GOARCH)
}

// fullVersion is the text of --version after the name.
func fullVersion() string {
	info, _ := debug.ReadBuildInfo()
	return shownVersion(version, info)
}
