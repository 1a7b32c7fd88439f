package cli

import (
	"errors"
	"strconv"
	"strings"

	"hotreload/supervisor"
)

// size is a flag's value in bytes: 512, 64k, 256MB, 1.5GiB. The units are powers of 1024.
type size int64

func (s *size) Type() string { return "size" }

func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	return supervisor.Size(*s).String()
}

func (s *size) Set(text string) error {
	number := strings.TrimSpace(strings.ToLower(text))
	number = strings.TrimSuffix(strings.TrimSuffix(number, "b"), "i")
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
		return errors.New("a size is a number with a unit: 256MB, 1GB")
	}
	*s = size(n)
	return nil
}
