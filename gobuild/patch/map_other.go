//go:build !linux

package patch

import "os"

func mapFile(path string) (data []byte, release func(), err error) {
	data, err = os.ReadFile(path)
	return data, func() {}, err
}

func letGo([]byte) {}
