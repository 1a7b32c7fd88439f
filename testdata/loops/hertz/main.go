// Command hertz answers / with Hertz, whose event loop netpoll accepts and reads by itself. An ordinary program,
// without code for hotreload. Each answer comes after half a second, with the generation.
package main

import (
	"context"
	"os"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
)

func main() {
	h := server.New(server.WithHostPorts(os.Args[1]))
	h.GET("/", func(_ context.Context, c *app.RequestContext) {
		time.Sleep(500 * time.Millisecond)
		c.String(200, os.Getenv("HOTRELOAD_GENERATION"))
	})
	h.Spin()
}
