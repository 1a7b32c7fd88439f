package cli

import (
	"os"

	"github.com/fatih/color"
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
	color.FgCyan, color.FgMagenta, color.FgYellow, color.FgGreen, color.FgBlue, color.FgHiCyan, color.FgHiMagenta, color.FgHiYellow,
}

// paint returns a function that colours a text, if there are colours. color.NoColor alone decides: the library would let
// NO_COLOR win over --color=always.
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

// setColor decides whether there are colours: a person's word here, then the environment, then whether stderr, where
// our lines go, is a terminal. It reports whether it knows when.
func setColor(when string) bool {
	switch when {
	case "auto":
		color.NoColor = os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" || !isTerminal(os.Stderr)
	case "always", "never":
		color.NoColor = when == "never"
	default:
		return false
	}
	return true
}
