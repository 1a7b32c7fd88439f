package gobuild

import (
	"slices"
	"testing"
)

func TestDeeds(t *testing.T) {
	for _, c := range []struct {
		links []string
		want  []Deed
	}{
		{[]string{"net/http", "github.com/gin-gonic/gin"}, nil},
		{[]string{"github.com/robfig/cron/v3"}, []Deed{{"github.com/robfig/cron", "runs jobs at their time"}}},
		{[]string{"gopkg.in/telebot.v4"}, []Deed{{"gopkg.in/telebot.v", "is a bot"}}},
		{[]string{"github.com/go-telegram/botany"}, nil},
		{[]string{"github.com/bwmarrin/discordgo", "gopkg.in/telebot.v3", "github.com/hibiken/asynq"},
			[]Deed{{"github.com/hibiken/asynq", "works off a queue"}, {"gopkg.in/telebot.v", "is a bot"}}},
	} {
		g := &Graph{links: map[string]bool{}}
		for _, path := range c.links {
			g.links[path] = true
		}
		if have := g.Deeds(); !slices.Equal(have, c.want) {
			t.Errorf("%q: have %v, want %v", c.links, have, c.want)
		}
	}
}
