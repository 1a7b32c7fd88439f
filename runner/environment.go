package runner

import (
	"fmt"
	"os"
	"strings"

	"github.com/joho/godotenv"
)

// environment adds the variables in the files to env; later files override earlier ones. Variables in env keep their
// values, as with every reader of .env files. A missing file adds nothing.
func environment(env, files []string) ([]string, error) {
	there := map[string]bool{}
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		there[name] = true
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		values, err := godotenv.UnmarshalBytes(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for name, value := range values {
			all[name] = value
		}
	}
	out := append([]string{}, env...)
	for name, value := range all {
		if !there[name] {
			out = append(out, name+"="+value)
		}
	}
	return out, nil
}
