package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// masked stands in place of a secret.
const masked = "***"

// mask replaces secrets in a text for others, rather too much than too little.
type mask struct {
	secrets []string // values that must not appear anywhere, the longest first
	home    string   // the user's folder, shown as ~
}

// shortest is the length from which a value is replaced everywhere; shorter ones are in too many other words.
const shortest = 4

// secretNames are words in the names of secret things.
const secretNames = `(?:token|secret|passw|passphrase|pwd|key|credential|auth|dsn|cookie|session|signature|private|` +
	`salt)`

var (
	secretName = regexp.MustCompile(`(?i)` + secretNames)
	secretFlag = regexp.MustCompile(`(?i)^--?[\w.-]*` + secretNames + `[\w.-]*$`)
)

// shapes are texts, secret by their form or by the words before them; the groups stay.
var shapes = []*regexp.Regexp{
	regexp.MustCompile("(://)[^\\s\"'`]*(@)"),
	regexp.MustCompile(`(?i)((?:bearer|basic)\s+)[\w.~+/=-]{8,}`),
	regexp.MustCompile(`(?i)([\w.-]*` + secretNames + `[\w.-]*["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s&"',;]+)`),
	regexp.MustCompile(`(?i)(--?[\w.-]*` + secretNames + `[\w.-]*\s+)(?:"[^"]*"|'[^']*'|[^\s-]\S*)`),
	regexp.MustCompile(`()\b(?:gh[pousr]_|github_pat_|glpat-|sk-|sk_live_|sk_test_|xox[abprs]-|AKIA|AIza)[\w-]{8,}`),
	regexp.MustCompile(`()\beyJ[\w-]+\.[\w-]+\.[\w-]*`),
}

// random matches long words; those with digits and letters look like keys.
var (
	random = regexp.MustCompile(`[A-Za-z0-9_-]{32,}`)
	digit  = regexp.MustCompile(`[0-9]`)
	letter = regexp.MustCompile(`[A-Za-z]`)
)

// newMask knows the values of secret variables in env, and all values of env files and of other variables.
func newMask(env, envFiles []string, variables ...map[string]string) mask {
	var m mask
	m.home, _ = os.UserHomeDir()
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		if secretName.MatchString(name) && !strings.HasPrefix(name, "GO") {
			m.add(value)
		}
	}
	for _, path := range envFiles {
		values, _ := godotenv.Read(path) // a missing or broken file has none
		variables = append(variables, values)
	}
	for _, table := range variables {
		for _, value := range table {
			m.add(value)
		}
	}
	slices.SortFunc(m.secrets, func(a, b string) int { return len(b) - len(a) })
	return m
}

func (m *mask) add(value string) {
	if len(value) >= shortest {
		m.secrets = append(m.secrets, value)
	}
}

// text replaces all secrets in a text.
func (m mask) text(text string) string {
	for _, secret := range m.secrets {
		text = strings.ReplaceAll(text, secret, masked)
	}
	for _, shape := range shapes {
		text = shape.ReplaceAllString(text, "${1}"+masked+"${2}")
	}
	text = random.ReplaceAllStringFunc(text, func(word string) string {
		if digit.MatchString(word) && letter.MatchString(word) {
			return masked
		}
		return word
	})
	if len(m.home) > 1 {
		text = strings.ReplaceAll(text, m.home, "~")
	}
	return text
}

// words replaces secrets in the words of a command: also after a flag with a secret name.
func (m mask) words(words []string) []string {
	var all []string
	for i, word := range words {
		if i > 0 && secretFlag.MatchString(words[i-1]) {
			all = append(all, masked)
			continue
		}
		all = append(all, m.text(word))
	}
	return all
}

// value replaces secrets in a value of hotreload.toml. All variables are secret.
func (m mask) value(key string, value any) any {
	switch value := value.(type) {
	case string:
		return m.text(value)
	case []any:
		var words []string
		for _, one := range value {
			text, isText := one.(string)
			if !isText {
				break
			}
			words = append(words, text)
		}
		if len(words) == len(value) {
			return m.words(words)
		}
		all := make([]any, len(value))
		for i := range value {
			all[i] = m.value(key, value[i])
		}
		return all
	case map[string]any:
		all := map[string]any{}
		for name, one := range value {
			if key == "env" || key == "build_env" {
				all[name] = masked
				continue
			}
			all[name] = m.value(name, one)
		}
		return all
	}
	return value
}
