// Command pages answers each path with another framework or middleware. An ordinary program, without code for
// hotreload. Each answer is a page, or with ?fragment a fragment of a page.
package main

import (
	"html/template"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/NYTimes/gziphandler"
	"github.com/a-h/templ"
	"github.com/andybalholm/brotli"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
)

// filler makes pages long enough for compression by middleware.
var filler = strings.Repeat("<p>hello, hello", 400)

// text is a page, or a fragment.
func text(r *http.Request) string {
	if r.URL.Query().Has("fragment") {
		return filler
	}
	return "<!doctype html>\n<html lang=en>\n<head>\n<title>x</title></head><body>" + filler + "</body></html>"
}

var pages = template.Must(template.New("").Parse(
	`<!doctype html><html><head><title>{{.}}</title></head><body>{{range $i, $x := .}}{{$x}}{{end}}</body></html>`))

func plain(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, text(r)) }

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/net-http", plain)
	mux.HandleFunc("/template", func(w http.ResponseWriter, r *http.Request) {
		_ = pages.Execute(w, strings.Split(text(r), "<p>"))
	})
	component := templ.Raw("<!doctype html><html><head></head>" + filler)
	mux.Handle("/templ", templ.Handler(component))
	mux.Handle("/templ-streaming", templ.Handler(component, templ.WithStreaming()))

	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.SetHTMLTemplate(pages)
	router.GET("/gin", func(c *gin.Context) { c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(text(c.Request))) })
	router.GET("/gin/template", func(c *gin.Context) { c.HTML(http.StatusOK, "", []string{"a", "b"}) })
	mux.Handle("/gin", router)
	mux.Handle("/gin/", router)

	for path, middleware := range map[string][]echo.MiddlewareFunc{
		"/echo": nil, "/echo/gzip": {echomiddleware.Logger(), echomiddleware.Recover(), echomiddleware.Gzip()},
	} {
		e := echo.New()
		e.Logger.SetOutput(io.Discard)
		e.Use(middleware...)
		e.GET(path, func(c echo.Context) error { return c.HTML(http.StatusOK, text(c.Request())) })
		mux.Handle(path, e)
	}

	c := chi.NewRouter()
	c.Get("/chi", plain)
	compressing := c.With(chimiddleware.Recoverer, chimiddleware.Compress(5))
	compressing.Get("/chi/compress", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		plain(w, r)
	})
	mux.Handle("/chi", c)
	mux.Handle("/chi/", c)

	mux.Handle("/gziphandler", gziphandler.GzipHandler(http.HandlerFunc(plain)))
	mux.Handle("/gzhttp", gzhttp.GzipHandler(http.HandlerFunc(plain)))
	mux.HandleFunc("/brotli", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		to := brotli.HTTPCompressor(w, r)
		defer to.Close()
		_, _ = io.WriteString(to, text(r))
	})
	log.Fatal(http.ListenAndServe(os.Args[1], mux))
}
