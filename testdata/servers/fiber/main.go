// Command fiber answers /echo with Fiber, which is based on fasthttp and not on net/http. An ordinary program, without
// code for hotreload. The argument selects the reaction to SIGTERM. stop: first end connections properly, with
// "Connection: close" in their next answers, then call Fiber's Shutdown, which closes the rest. shutdown: call Fiber's
// Shutdown at once. bare: SIGTERM kills the program. With prefork, children of the same program serve.
package main

import (
	"fmt"
	"hash/crc32"
	"log"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"
)

func main() {
	app := fiber.New(fiber.Config{DisableStartupMessage: true, Prefork: len(os.Args) > 3 && os.Args[3] == "prefork"})
	var leaving atomic.Bool
	app.Use(func(c *fiber.Ctx) error {
		if leaving.Load() {
			c.Set(fiber.HeaderConnection, "close")
		}
		return c.Next()
	})
	app.All("/echo", func(c *fiber.Ctx) error {
		body := c.Body()
		return c.SendString(fmt.Sprintf("%s %s %d %d\n", os.Getenv("HOTRELOAD_GENERATION"),
			c.Query("id"), len(body), crc32.ChecksumIEEE(body)))
	})
	stopped := make(chan struct{})
	if manners := os.Args[2]; manners != "bare" {
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		go func() { // ends with the program
			<-term
			leaving.Store(manners == "stop")
			for end := time.Now().Add(time.Second); leaving.Load() && app.Server().GetOpenConnectionsCount() > 0 &&
				time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			if err := app.Shutdown(); err != nil {
				log.Fatal(err)
			}
			close(stopped)
		}()
	}
	if err := app.Listen(os.Args[1]); err != nil {
		log.Fatal(err)
	}
	<-stopped
}
