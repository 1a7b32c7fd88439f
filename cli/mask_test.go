package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMask: secrets are removed, and useful words stay.
func TestMask(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte("API_URL='https://x.example'\nGREETING=hello world\nN=1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	m := newMask([]string{"MY_TOKEN=tok-from-env", "LANG=C.UTF-8", "GOAUTH=netrc"}, []string{path},
		map[string]string{"OTHER": "from-toml"})
	for _, c := range []struct{ text, want string }{
		{"tok-from-env is hello world, https://x.example, from-toml", "*** is ***, ***, ***"},
		{"C.UTF-8 1 netrc", "C.UTF-8 1 netrc"},
		{"postgres://user:p@ss/word@db.example:5432/x", "postgres://***@db.example:5432/x"},
		{"https://ci:abc@proxy.example,direct", "https://***@proxy.example,direct"},
		{"https://x.test/a?page=2&access_token=abc&b=1", "https://x.test/a?page=2&access_token=***&b=1"},
		{"./web --port 8080 --db-password hunter2 -v", "./web --port 8080 --db-password *** -v"},
		{"--apiKey=abc --name x", "--apiKey=*** --name x"},
		{`-X main.secretKey='a b' -X main.version=1.2`, `-X main.secretKey=*** -X main.version=1.2`},
		{"Authorization: Bearer abcdefgh12345678", "Authorization: *** ***"},
		{"curl -H 'X: Bearer abcdefgh12345678'", "curl -H 'X: Bearer ***'"},
		{"ghp_0123456789abcdefghij AKIA0123456789ABCDEF sk-proj-abcdefghijk", "*** *** ***"},
		{"eyJhbGciOi.eyJzdWIiOi.c2ln", "***"},
		{"0123456789abcdef0123456789abcdef", "***"},
		{"revision 949d5420a1b2, github.com/a-h/templ@v0.0.0-20250122154542-74294addb73e",
			"revision 949d5420a1b2, github.com/a-h/templ@v0.0.0-20250122154542-74294addb73e"},
		{"internal/a_very_long_name_without_any_number/x.go", "internal/a_very_long_name_without_any_number/x.go"},
		{"cmd/web/main.go:31:5: undefined: handleFoo", "cmd/web/main.go:31:5: undefined: handleFoo"},
	} {
		if have := m.text(c.text); have != c.want {
			t.Errorf("%s:\nhave %s\nwant %s", c.text, have, c.want)
		}
	}
	words := strings.Join(m.words([]string{"web", "-token", "x y", "-v", "tok-from-env"}), "|")
	if words != "web|-token|***|-v|***" {
		t.Errorf("words: %s", words)
	}
}
