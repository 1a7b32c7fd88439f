package runner

import (
	"path/filepath"
	"slices"
	"strings"
)

// ShownBy is how an open page in a browser shows a changed file that the program serves.
type ShownBy int

const (
	ShownByReload ShownBy = iota // the page reloads
	ShownAsStyle                 // the page exchanges its stylesheet
	ShownAsAsset                 // the page exchanges an image or a font
	NotShown                     // a page shows no part of such a file
)

// Shown tells how pages show a changed file, by its name.
func Shown(path string) ShownBy {
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case ext == ".css":
		return ShownAsStyle
	case slices.Contains(assetExtensions, ext):
		return ShownAsAsset
	case ext == ".map":
		return NotShown
	}
	return ShownByReload
}

var assetExtensions = []string{
	".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg", ".ico", ".bmp", ".apng",
	".woff", ".woff2", ".ttf", ".otf",
}
