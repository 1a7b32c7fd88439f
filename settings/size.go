package settings

import (
	"errors"
	"strconv"
	"strings"
)

// Size is a flag's value in bytes: 512, 64k, 256MB, 1.5GiB. The units are powers of 1024.
type Size int64

func (s *Size) Type() string { return "size" }

// String returns the size in the largest unit that divides it.
func (s *Size) String() string {
	if *s == 0 {
		return ""
	}
	n, unit := int64(*s), "bytes"
	for _, larger := range []string{"kB", "MB", "GB"} {
		if n%1024 != 0 {
			break
		}
		n, unit = n/1024, larger
	}
	return strconv.FormatInt(n, 10) + " " + unit
}

func (s *Size) Set(text string) error {
	number := strings.TrimSuffix(strings.TrimSpace(strings.ToLower(text)), "ytes")
	number = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(number, "b"), "i"))
	factor := 1.0
	for i, unit := range "kmgt" {
		if rest, found := strings.CutSuffix(number, string(unit)); found {
			number = strings.TrimSpace(rest)
			for range i + 1 {
				factor *= 1024
			}
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if n *= factor; err != nil || !(n >= 1) || n > 1<<62 {
		return errors.New("a size needs a number and a unit: 256MB, 1GB")
	}
	*s = Size(n)
	return nil
}
