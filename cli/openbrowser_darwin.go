package cli

func openCommand() []string { return []string{"open"} }
