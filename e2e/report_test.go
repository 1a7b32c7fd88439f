//go:build unix

package e2e

import (
	"strings"
	"testing"
)

// planted are secrets that must not appear in a bug report, by their place.
var planted = map[string]string{
	"a variable with a secret name":      "env-7f3a-plain",
	"a password in a URL of a variable":  "url-pass-991",
	"a password in GOPROXY":              "proxy-pass-17",
	"a linker flag":                      "linker-key-5",
	"an env file":                        "dotenv-value-2",
	"[env]":                              "toml-env-3",
	"[service.env]":                      "toml-service-env-4",
	"an argument after a flag":           "argument-secret-6",
	"an argument, joined":                "joined-secret-8",
	"a URL in an argument":               "query-token-9",
	"a comment in hotreload.toml":        "comment-secret-10",
	"a hook's command":                   "hook-secret-11",
	"what the compiler says of a source": "ghp_0123456789abcdefghijABCDEFGHIJ",
}

// TestReportHasNoSecrets: doctor --report contains useful facts, and none of the planted secrets. The control: doctor
// without the report, and the files, do contain some of them.
func TestReportHasNoSecrets(t *testing.T) {
	t.Parallel()
	toml := `# the password is ` + planted["a comment in hotreload.toml"] + `
grace = "7s"

[env]
DB = "` + planted["[env]"] + `"

[hooks]
on_start = "notify --token ` + planted["a hook's command"] + `"

[[service]]
name = "web"
package = "."
args = ["{addr}", "--db-password", "` + planted["an argument after a flag"] + `", "--api-key=` +
		planted["an argument, joined"] + `", "https://x.example/?token=` + planted["a URL in an argument"] + `"]
env_file = [".env"]

[service.env]
X = "` + planted["[service.env]"] + `"
`
	dir := newModule(t, map[string]string{
		"hotreload.toml": toml,
		".env":           "GREETING=" + planted["an env file"] + "\n",
		"version.go": "package main\n\nconst version = 1 + \"" + planted["what the compiler says of a source"] +
			"\"\n\nfunc boot() {}\n",
	})
	env := []string{
		"MY_API_TOKEN=" + planted["a variable with a secret name"],
		"DATABASE_URL=postgres://app:" + planted["a password in a URL of a variable"] + "@db.example/x",
		"GOPROXY=https://ci:" + planted["a password in GOPROXY"] + "@proxy.example,off", "GONOSUMDB=*",
		"GOFLAGS='-ldflags=-X main.secretKey=" + planted["a linker flag"] + "'",
	}
	plain := setup{env: env}.start(t, dir, "doctor")
	plain.exit()
	if !strings.Contains(plain.text(), planted["what the compiler says of a source"]) {
		t.Errorf("the control: doctor itself does not tell the planted secret of the source\n%s", plain.text())
	}
	s := setup{env: env}.start(t, dir, "doctor", "--report")
	if code := s.exit(); code != 1 {
		t.Errorf("exit code %d, want that of doctor, 1", code)
	}
	text := s.text()
	for place, secret := range planted {
		if strings.Contains(text, secret) {
			t.Errorf("it tells %s: %s", place, secret)
		}
	}
	for _, fact := range []string{
		"hotreload ", "\nsystem\n", "GOVERSION=go1.", "GOPROXY=https://***@proxy.example,off", `grace = '7s'`, `name = 'web'`,
		"DB = '***'", "build      fails", "mismatched types", "hotreload doctor --report", "```text\n",
	} {
		if !strings.Contains(text, fact) {
			t.Errorf("it does not tell %q", fact)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
