// Command echo answers /echo with echo, and knows nothing of hotreload.
package main

import (
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/labstack/echo/v4"
)

func main() {
	server := echo.New()
	server.HideBanner, server.HidePort = true, true
	server.Any("/echo", func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		return c.String(http.StatusOK, fmt.Sprintf("%s %s %d %d\n",
			os.Getenv("HOTRELOAD_GENERATION"), c.QueryParam("id"), len(body), crc32.ChecksumIEEE(body)))
	})
	log.Fatal(server.Start(os.Args[1]))
}
