package cli

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	info := func(module string, settings ...string) *debug.BuildInfo {
		b := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: module}}
		for i := 0; i < len(settings); i += 2 {
			b.Settings = append(b.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return b
	}
	const revision = "949d5420a1b2c3d4e5f60718293a4b5c6d7e8f90"
	const pseudo = "v0.4.1-0.20261126174624-949d5420a1b2"
	by := ", built with go1.26.8 for " + runtime.GOOS + "/" + runtime.GOARCH
	for _, c := range []struct {
		name, release string
		info          *debug.BuildInfo
		short, full   string
	}{
		{"nothing is known", "", nil, "dev", "dev"},
		{"go build outside a repository", "", info("(devel)"), "dev", "dev" + by},
		{"go install MODULE@v0.4.0", "", info("v0.4.0"), "v0.4.0", "v0.4.0" + by},
		{
			"a checkout", "",
			info(pseudo, "vcs.revision", revision, "vcs.time", "2026-11-26T17:46:24Z", "vcs.modified", "false"),
			pseudo, pseudo + " (of 2026-11-26)" + by,
		},
		{
			"a changed checkout", "", info(pseudo+"+dirty", "vcs.revision", revision, "vcs.modified", "true"),
			pseudo + "+dirty", pseudo + "+dirty (modified)" + by,
		},
		{
			"a release", "0.4.0", info("(devel)", "vcs.revision", revision, "vcs.time", "2026-11-26T17:46:24Z"),
			"v0.4.0", "v0.4.0 (revision 949d5420a1b2, of 2026-11-26)" + by,
		},
	} {
		short := versionOf(c.release, c.info)
		if full := shownVersion(short, c.info); short != c.short || full != c.full {
			t.Errorf("%s:\nhave %s, %s\nwant %s, %s", c.name, short, full, c.short, c.full)
		}
	}
}
