package watch

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
)

// diskKey identifies a file system by its volume.
type diskKey string

func diskKeyOf(path string, _ identity) diskKey { return diskKey(filepath.VolumeName(path)) }

// diskOf returns the file system of an existing path. A file server reports changes to Windows, but not always, and the
// folders of WSL never do.
func diskOf(path string) (d Disk, foreign bool) {
	volume := filepath.VolumeName(path)
	d.Mount = volume + `\`
	if strings.HasPrefix(volume, `\\`) {
		d.Type = "network"
		return d, true
	}
	root, err := windows.UTF16PtrFromString(d.Mount)
	if err != nil {
		return d, false
	}
	foreign = windows.GetDriveType(root) == windows.DRIVE_REMOTE
	var name [windows.MAX_PATH + 1]uint16
	if windows.GetVolumeInformation(root, nil, 0, nil, nil, nil, &name[0], uint32(len(name))) == nil {
		d.Type = windows.UTF16ToString(name[:])
	}
	return d, foreign
}
