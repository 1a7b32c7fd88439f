package settings

import (
	"errors"
	"strings"

	"hotreload/gobuild"
)

// Words is a command line without a shell: words separated by spaces, with quotes like those of Go's own flags.
type Words []string

// Type is what a value is called in --help.
func (w *Words) Type() string { return "command" }

// String returns a text from which Set reads the same words.
func (w *Words) String() string {
	text, _ := inQuotes(*w)
	return text
}

// Set reads the words.
func (w *Words) Set(text string) error {
	words, err := gobuild.SplitQuoted(text)
	if err == nil && len(words) == 0 && text != "" {
		err = errors.New("the command is missing")
	}
	*w = words
	return err
}

// inQuotes joins words to one text. A word that contains both kinds of quotes cannot be written.
func inQuotes(words []string) (text string, right bool) {
	var all []string
	for _, word := range words {
		switch {
		case word != "" && !strings.ContainsAny(word, " \t\n\r'\""):
		case !strings.Contains(word, "'"):
			word = "'" + word + "'"
		case !strings.Contains(word, `"`):
			word = `"` + word + `"`
		default:
			return "", false
		}
		all = append(all, word)
	}
	return strings.Join(all, " "), true
}

var wordsKind = kind{
	is:    `a list of strings: ["sudo", "-E"]`,
	isNot: "no list of strings", schema: ofStrings,
	read: func(value any) (any, bool) {
		list, right := texts(value)
		if !right {
			return nil, false
		}
		return inQuotes(list.([]string))
	},
}
