package cli

func openCommand() []string { return []string{"rundll32", "url.dll,FileProtocolHandler"} }
