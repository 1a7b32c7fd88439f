// Command gin answers /echo with gin, and knows nothing of hotreload.
package main

import (
	"hash/crc32"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	echo := func(c *gin.Context) {
		body, err := io.ReadAll(c.Request.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		c.String(http.StatusOK, "%s %s %d %d\n", os.Getenv("HOTRELOAD_GENERATION"), c.Query("id"), len(body),
			crc32.ChecksumIEEE(body))
	}
	router.GET("/echo", echo)
	router.POST("/echo", echo)
	log.Fatal(router.Run(os.Args[1]))
}
