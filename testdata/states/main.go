// States is a program that reads and writes files in the ways of popular libraries. Each library has its own folder. A
// request's path selects the action; /see/NAME returns the value of NAME in memory.
package main

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/CloudyKit/jet/v6"
	"github.com/dgraph-io/badger/v4"
	"github.com/flosch/pongo2/v6"
	"github.com/fsnotify/fsnotify"
	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/google/renameio/v2"
	"github.com/labstack/echo/v4"
	"github.com/natefinch/atomic"
	"github.com/spf13/viper"
	"go.etcd.io/bbolt"
	"golang.org/x/crypto/acme/autocert"
	"gopkg.in/natefinch/lumberjack.v2"
	_ "modernc.org/sqlite"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func read(name string) string {
	text, err := os.ReadFile(name)
	must(err)
	return string(text)
}

func run(t *template.Template, name string) string {
	var b strings.Builder
	must(t.ExecuteTemplate(&b, name, nil))
	return b.String()
}

//go:embed embedded/state.txt
var embedded embed.FS

var inInit string // read in init

func init() { inInit = read("settings/init.txt") }

// see returns values in memory, or reads them; do lists the possible actions.
var (
	mu  sync.Mutex
	see = map[string]func() string{}
	do  = map[string]func(){}
)

func keep(name, text string) { see[name] = func() string { return text } }

func states() {
	for _, name := range []string{"plain", "beside", "elsewhere", "renameio", "atomic", "child"} {
		keep("state-"+name, read("state/"+name+".json"))
	}
	now := func() []byte { return []byte(time.Now().String()) }
	moved := func(folder, name string) {
		f, err := os.CreateTemp(folder, "state-*")
		must(err)
		_, err = f.Write(now())
		must(err)
		must(f.Close())
		must(os.Rename(f.Name(), name))
	}
	do["plain"] = func() { must(os.WriteFile("state/plain.json", now(), 0o666)) }
	do["beside"] = func() { moved("state", "state/beside.json") }
	do["elsewhere"] = func() { moved("tmp", "state/elsewhere.json") }
	do["renameio"] = func() { must(renameio.WriteFile("state/renameio.json", now(), 0o666)) }
	do["atomic"] = func() { must(atomic.WriteFile("state/atomic.json", strings.NewReader(string(now())))) }
	do["embedded"] = func() { must(os.WriteFile("embedded/state.txt", now(), 0o666)) }
	do["child"] = func() { // a slow child
		must(exec.Command("sh", "-c", "exec 3>>state/child.json; sleep 0.3; echo more >&3; sleep 0.7").Run())
	}
}

func folders() {
	_, err := os.ReadDir("uploads")
	must(err)
	do["mkdir"] = func() { must(os.MkdirAll("uploads/42", 0o777)) }
	do["upload"] = func() {
		f, err := os.CreateTemp("uploads", "tmp-*")
		must(err)
		must(f.Close())
		must(os.Rename(f.Name(), "uploads/x.png"))
	}
	do["remove"] = func() { _ = os.Remove("uploads/old.png") }
	entries, err := os.ReadDir("cache") // emptied and created again at each start
	must(err)
	for _, entry := range entries {
		must(os.RemoveAll("cache/" + entry.Name()))
	}
	dir, err := os.MkdirTemp("cache", "run-")
	must(err)
	must(os.WriteFile(filepath.Join(dir, "index.json"), []byte(dir), 0o666))
	logs := &lumberjack.Logger{Filename: "logs/app.log", MaxBackups: 3}
	must(logs.Rotate())
	log.SetOutput(io.MultiWriter(logs, os.Stderr))
	do["log"] = func() { log.Print("asked") }
	do["rotate"] = func() { must(logs.Rotate()) }
}

func databases() {
	lite, err := sql.Open("sqlite", "db/app.sqlite")
	must(err)
	_, err = lite.Exec("create table if not exists t (at text)")
	must(err)
	bolt, err := bbolt.Open("db/app.bolt", 0o600, nil)
	must(err)
	badge, err := badger.Open(badger.DefaultOptions("db/badger").WithLogger(nil))
	must(err)
	do["sqlite"] = func() { _, err := lite.Exec("insert into t values (?)", time.Now().String()); must(err) }
	do["bolt"] = func() {
		must(bolt.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("b"))
			must(err)
			return b.Put([]byte("at"), []byte(time.Now().String()))
		}))
	}
	do["badger"] = func() {
		must(badge.Update(func(tx *badger.Txn) error { return tx.Set([]byte("at"), []byte(time.Now().String())) }))
		must(badge.Flatten(1))
		_ = badge.RunValueLogGC(0.5)
	}
	cache := autocert.DirCache("certs")
	do["autocert"] = func() {
		must(cache.Put(context.Background(), "example.com", []byte(time.Now().String())))
		_, err := cache.Get(context.Background(), "example.com")
		must(err)
	}
}

func templates() {
	files := template.Must(template.ParseFiles("templates/files.html"))
	see["ParseFiles"] = func() string { return run(files, "files.html") }
	glob := template.Must(template.ParseGlob("templates/glob/*.html"))
	see["ParseGlob"] = func() string { return run(glob, "a.html") + fmt.Sprint(len(glob.Templates())) }
	inFS := template.Must(template.ParseFS(os.DirFS("templates"), "fs.html"))
	see["ParseFS"] = func() string { return run(inFS, "fs.html") }
	walked := ""
	must(filepath.WalkDir("templates/walk", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			walked += read(path)
		}
		return err
	}))
	keep("WalkDir", walked)
	first := sync.OnceValue(func() *template.Template {
		return template.Must(template.ParseFiles("templates/first.html"))
	})
	see["first use"] = func() string { return run(first(), "first.html") }
	see["each use"] = func() string { return run(template.Must(template.ParseFiles("templates/each.html")), "each.html") }
	set := jet.NewSet(jet.NewOSFileSystemLoader("templates/jet"))
	see["jet"] = func() string {
		t, err := set.GetTemplate("a.jet")
		must(err)
		var b strings.Builder
		must(t.Execute(&b, nil, nil))
		return b.String()
	}
	see["pongo2"] = func() string {
		text, err := pongo2.Must(pongo2.FromCache("templates/pongo/a.html")).Execute(nil)
		must(err)
		return text
	}
}

func settings() {
	keep("start", read("settings/start.txt"))
	keep("init", inInit)
	v := viper.New()
	v.SetConfigFile("settings/viper.yaml")
	must(v.ReadInConfig())
	v.OnConfigChange(func(fsnotify.Event) {})
	v.WatchConfig()
	see["viper"] = func() string { return v.GetString("word") }
}

// get sends a request to a handler.
func get(h http.Handler, path string) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Body.String()
}

func static() {
	files := http.FileServer(http.Dir("static"))
	see["http.FileServer"] = func() string { return get(files, "/http.css") }
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	g.Static("/static", "static")
	see["gin"] = func() string { return get(g, "/static/gin.css") }
	e := echo.New()
	e.Static("/static", "static")
	see["echo"] = func() string { return get(e, "/static/echo.css") }
	f := fiber.New(fiber.Config{DisableStartupMessage: true})
	f.Static("/static", "static", fiber.Static{CacheDuration: -1})
	see["fiber"] = func() string {
		response, err := f.Test(httptest.NewRequest("GET", "/static/fiber.css", nil))
		must(err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		must(err)
		return string(text)
	}
}

func main() {
	for _, setUp := range []func(){states, folders, databases, templates, settings, static} {
		setUp()
	}
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	http.HandleFunc("/see", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprint(w, see[r.FormValue("name")]())
	})
	http.HandleFunc("/do", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		do[r.FormValue("name")]()
	})
	l, err := net.Listen("tcp", os.Args[1])
	must(err)
	must(http.Serve(l, nil))
}
