//go:build unix

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestGateway follows Workerman's advice: a service that is not reloadable keeps the connections, and the service
// behind it is replaced six times, or twenty with HOTRELOAD_SOAK, without cutting one of them. (Scenario 13.)
func TestGateway(t *testing.T) {
	t.Parallel()
	replacements := 6
	if os.Getenv("HOTRELOAD_SOAK") != "" {
		replacements = 20
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(dir, "example")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(wd, "testdata", "gateway"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum"} { // the project's own, whose modules are downloaded
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		save(t, filepath.Join(dir, name), strings.Replace(string(text), "module hotreload", "module example.com/gateway", 1))
	}
	config, err := os.ReadFile(filepath.Join(dir, "hotreload.toml"))
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddr(t)
	save(t, filepath.Join(dir, "hotreload.toml"), strings.Replace(string(config), "package = \"./gateway\"\n",
		fmt.Sprintf("package = \"./gateway\"\nargs = [\"-addr\", %q]\n", address), 1))
	s := startControlled(t, dir)
	s.waitFor(`gateway at`)
	s.expectCommand(0, `business.*serves(.|\n)*gateway.*serves`, "wait")

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	var said, wrong atomic.Int64
	newest := make([]atomic.Value, 20)
	for i := range newest {
		conn, _, err := websocket.Dial(ctx, "ws://"+address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				message := fmt.Sprintf("%d.%d", i, n)
				if err := conn.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
					if ctx.Err() == nil {
						t.Errorf("the connection of client %d was cut: %v", i, err)
					}
					return
				}
				_, answer, err := conn.Read(ctx)
				if err != nil {
					if ctx.Err() == nil {
						t.Errorf("the connection of client %d was cut: %v", i, err)
					}
					return
				}
				word, rest, _ := strings.Cut(string(answer), ", ")
				if rest != message {
					wrong.Add(1)
					t.Errorf("client %d sent %q and got %q", i, message, answer)
				}
				newest[i].Store(word)
				said.Add(1)
				time.Sleep(25 * time.Millisecond) // leaves CPU time for the builds
			}
		})
	}
	for n := range replacements {
		word := fmt.Sprintf("word%d", n)
		s.save("business/reply.go", fmt.Sprintf("package main\n\nconst word = %q\n\n"+
			"func reply(message string) string { return word + \", \" + message }\n", word))
		s.expectCommand(0, `business.*serves`, "wait", "business")
		for i := range newest {
			eventually(t, fmt.Sprintf("client %d hears %s", i, word), func() bool { return newest[i].Load() == word })
		}
	}
	// The control: a change of the gateway is only reported to the gateway, and cuts no connection; a restart cuts
	// them.
	main, err := os.ReadFile(filepath.Join(dir, "gateway", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	s.save("gateway/main.go", strings.Replace(string(main), "gateway at", "new gateway at", 1))
	s.waitFor(`the gateway is old, and keeps 20 connections`)
	s.expectCommand(0, `gateway.*serves old code`, "status")
	before := said.Load()
	eventually(t, "the clients get answers", func() bool { return said.Load() > before+100 })
	stop()
	all.Wait()
	if said.Load() == 0 || wrong.Load() > 0 {
		t.Errorf("%d messages, %d wrong answers", said.Load(), wrong.Load())
	}
	t.Logf("%d messages over %d replacements", said.Load(), replacements)

	conn, _, err := websocket.Dial(t.Context(), "ws://"+address+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	s.expectCommand(0, `gateway.*generation 2, serves`, "restart", "gateway")
	s.waitFor(`new gateway at`)
	if _, _, err := conn.Read(t.Context()); err == nil {
		t.Error("restart cut no connection: the test detects nothing")
	}
}
