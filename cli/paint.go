package cli

import (
	"os"

	"github.com/fatih/color"

	"hotreload/settings"
)

var (
	dim    = paint(color.Faint)
	red    = paint(color.FgRed)
	green  = paint(color.FgGreen)
	yellow = paint(color.FgYellow)
	bold   = paint(color.Bold)
)

// slotColors tell workers apart.
var slotColors = [...]color.Attribute{
	color.FgCyan, color.FgMagenta, color.FgYellow, color.FgGreen, color.FgBlue, color.FgHiCyan, color.FgHiMagenta,
	color.FgHiYellow,
}

// paint returns a function that colours a text, if colours are on. Only color.NoColor decides: the library would let
// NO_COLOR override --color=always.
func paint(attribute color.Attribute) func(string) string {
	return func(text string) string {
		c := color.New(attribute)
		if color.NoColor {
			c.DisableColor()
		} else {
			c.EnableColor()
		}
		return c.Sprint(text)
	}
}

// setColor decides whether to use colours: by the flag, then the environment, then whether stderr is a terminal. It
// reports whether the word is valid.
func setColor(when string) bool {
	switch when {
	case "auto":
		color.NoColor = settings.Colors.Value() != "" || os.Getenv("TERM") == "dumb" || !isTerminal(os.Stderr)
	case "always", "never":
		color.NoColor = when == "never"
	default:
		return false
	}
	return true
}
