package door

import (
	"crypto/rand"
	"crypto/subtle"
	"strconv"
	"strings"
)

// Token makes a worker's secret. The worker's number stands in front.
func Token(worker int) string { return strconv.Itoa(worker) + "." + rand.Text() }

// Claims returns the worker's number in a token.
func Claims(token string) (worker int, ok bool) {
	number, _, _ := strings.Cut(token, ".")
	worker, err := strconv.Atoi(number)
	return worker, err == nil
}

// Same compares a token with the expected one ("" for none) in constant time.
func Same(expected, token string) bool {
	return expected != "" && subtle.ConstantTimeCompare([]byte(expected), []byte(token)) == 1
}
