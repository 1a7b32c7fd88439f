package cli

// openCommand opens the address that follows in the user's browser.
func openCommand() []string { return []string{"xdg-open"} }
