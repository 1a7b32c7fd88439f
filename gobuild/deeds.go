package gobuild

import "strings"

// doers are packages by which a program acts on its own, by import path or its beginning: scheduled jobs, bots,
// consumers of queues. Two workers at the same time do everything twice, or are refused.
var doers = []struct{ path, does string }{
	{"github.com/robfig/cron", "runs jobs at their time"},
	{"github.com/go-co-op/gocron", "runs jobs at their time"},
	{"github.com/hibiken/asynq", "works off a queue"},
	{"github.com/riverqueue/river", "works off a queue"},
	{"github.com/go-telegram-bot-api/telegram-bot-api", "is a bot"},
	{"github.com/go-telegram/bot", "is a bot"},
	{"gopkg.in/telebot.v", "is a bot"},
	{"gopkg.in/tucnak/telebot.v", "is a bot"},
	{"github.com/bwmarrin/discordgo", "is a bot"},
	{"github.com/disgoorg/disgo", "is a bot"},
	{"github.com/slack-go/slack/socketmode", "is a bot"},
	{"github.com/rabbitmq/amqp091-go", "works off a queue"},
	{"github.com/streadway/amqp", "works off a queue"},
	{"github.com/segmentio/kafka-go", "works off a queue"},
	{"github.com/twmb/franz-go", "works off a queue"},
	{"github.com/IBM/sarama", "works off a queue"},
	{"github.com/nsqio/go-nsq", "works off a queue"},
	{"go.temporal.io/sdk/worker", "works off a queue"},
}

// Deed is something done by a program on its own, as far as the packages show.
type Deed struct{ Package, Does string }

// Deeds returns the deeds of a program, one of each kind.
func (g *Graph) Deeds() []Deed {
	var all []Deed
	said := map[string]bool{}
	for _, d := range doers {
		for path := range g.links {
			if rest, found := strings.CutPrefix(path, d.path); found && !said[d.does] && endsWord(d.path, rest) {
				said[d.does] = true
				all = append(all, Deed{d.path, d.does})
			}
		}
	}
	return all
}

// endsWord reports whether a prefix of a path ends at the end of a path element, or before a version.
func endsWord(prefix, rest string) bool {
	return rest == "" || rest[0] == '/' || strings.HasSuffix(prefix, ".v")
}
