//go:build !unix

package watch

import "errors"

func makeFifo(string) error { return errors.ErrUnsupported }
