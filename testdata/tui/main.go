// This program draws on the terminal: bubbletea's examples simple, fullscreen and window-size in one. The screen shows
// the word, each key and the size of the window. The program serves nothing.
package main

import (
	"fmt"
	_ "net/http" // so that it gets an agent
	"os"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/term"
)

type model struct {
	keys          string
	width, height int
}

func (m model) Init() tea.Cmd { return nil }

func (m model) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case tea.KeyMsg:
		m.keys = message.String()
		if m.keys == "q" {
			return m, tea.Quit
		}
	case tea.WindowSizeMsg:
		m.width, m.height = message.Width, message.Height
	}
	return m, nil
}

func (m model) View() string {
	return fmt.Sprintf("word <%s>\nkey <%s>\nsize <%dx%d>\nterminal <%v>\npid <%d>\nend", word, m.keys, m.width, m.height,
		term.IsTerminal(os.Stdin.Fd()) && term.IsTerminal(os.Stdout.Fd()), os.Getpid())
}

func main() {
	if _, err := tea.NewProgram(model{}, tea.WithAltScreen()).Run(); err != nil {
		fmt.Println("bubbletea:", err)
		os.Exit(1)
	}
}
