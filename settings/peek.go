package settings

import (
	"path/filepath"

	"hotreload/killswitch"
)

// SwitchAt returns the kill switch of the project that contains dir, or the one at path.
func SwitchAt(dir, path string) (killswitch.File, error) {
	if path != "" {
		return killswitch.File{Path: Absolute(dir, path)}, nil
	}
	return killswitch.Default(rootOf(dir))
}

// rootOf returns the folder that a project is named after.
func rootOf(dir string) string {
	if config, _ := Find(dir); config != "" {
		return filepath.Dir(config)
	}
	return dir
}

// BrowserKeyAt returns where the key of a project's pages is kept; "" if there is no folder for it.
func BrowserKeyAt(dir string) string {
	path, _ := killswitch.Place(rootOf(dir), "browser", ".key")
	return path
}

// SwitchInFile returns the kill switch's path from the configuration file above dir; "" if the file names none.
func SwitchInFile(dir string) (string, error) {
	path, found := Find(dir)
	if !found {
		return "", nil
	}
	f, err := read(path)
	if err != nil {
		return "", err
	}
	named := KillSwitch.in(f.top)
	if named == "" {
		return "", nil
	}
	return f.abs(named), nil
}

// ServicesIn returns the names of the services in the configuration file above dir. An invalid file has none.
func ServicesIn(dir string) (names []string) {
	path, found := Find(dir)
	if !found {
		return nil
	}
	f, err := read(path)
	if err != nil {
		return nil
	}
	for _, t := range Services.in(f.top) {
		names = append(names, Name.in(t))
	}
	return names
}
