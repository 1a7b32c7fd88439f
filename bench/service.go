//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The generated service: packages in layers, each one with three imports from the layer below. All packages of the
// second layer import the deepest one, p0, and all others import it through them.
const (
	layers = 8
	width  = 5 // packages in a layer; the lowest layer has p0 and helpers that do not import it
)

const serviceModule = `module example.com/service

go 1.25

require (
	github.com/gin-gonic/gin v1.11.0
	github.com/jackc/pgx/v5 v5.7.6
	github.com/prometheus/client_golang v1.23.2
)
`

const serviceMain = `package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"
%s)

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	flag.Parse()
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/metrics", gin.WrapH(promhttp.Handler()))
	engine.Any("/hotreload-bench", gin.WrapH(http.DefaultServeMux))
%s	log.Fatal(http.ListenAndServe(*addr, engine))
}
`

// servicePackage has a store, a handler, a counter, and functions with and without inlining.
const servicePackage = `package %[1]s

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
%[2]s)

var requests = prometheus.NewCounter(prometheus.CounterOpts{Name: "requests_%[1]s_total", Help: "Requests."})

func init() { prometheus.MustRegister(requests) }

// Record is a row.
type Record struct {
	ID   int64
	Name string
	Tags []string
}

// Title is inlined.
func (r Record) Title() string { return r.Name + " of %[1]s" }

// Store reads records.
type Store struct{ Conn *pgx.Conn }

// All reads all records.
func (s *Store) All(ctx context.Context) ([]Record, error) {
	rows, err := s.Conn.Query(ctx, "select id, name, tags from %[1]s")
	if err != nil {
		return nil, fmt.Errorf("read %[1]s: %%w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Record])
}

// Register adds the package's routes.
func Register(engine *gin.Engine) {
	for path, routes := range map[string]func(*gin.RouterGroup){
		"orders": (&Orders{}).Routes, "invoices": (&Invoices{}).Routes, "customers": (&Customers{}).Routes,
		"deliveries": (&Deliverys{}).Routes, "returns": (&Returns{}).Routes,
	} {
		routes(engine.Group("/%[1]s/" + path))
	}
	engine.GET("/%[1]s", func(c *gin.Context) {
		requests.Inc()
		c.JSON(http.StatusOK, gin.H{"text": Text(3), "title": Record{Name: "a"}.Title()})
	})
}

// Text asks the packages below.
func Text(depth int) string {
	text := "%[1]s"
	if depth == 0 {
		return text
	}
%[3]s	return text
}
`

// serviceResource is one kind of data of a service's package: table, handlers, checks.
const serviceResource = `package %[1]s

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
)

// %[2]s is a row of its table.
type %[2]s struct {
	ID        int64             ` + "`db:\"id\" json:\"id\"`" + `
	Name      string            ` + "`db:\"name\" json:\"name\" binding:\"required\"`" + `
	Amount    float64           ` + "`db:\"amount\" json:\"amount\"`" + `
	Labels    map[string]string ` + "`db:\"labels\" json:\"labels\"`" + `
	CreatedAt time.Time         ` + "`db:\"created_at\" json:\"created_at\"`" + `
}

// ErrNo%[2]s is returned if there is none of that ID.
var ErrNo%[2]s = errors.New("%[1]s: no such row")

// Validate says what is wrong with a row.
func (r *%[2]s) Validate() error {
	var wrong []string
	if strings.TrimSpace(r.Name) == "" {
		wrong = append(wrong, "no name")
	}
	if r.Amount < 0 {
		wrong = append(wrong, fmt.Sprintf("negative amount %%g", r.Amount))
	}
	for key, value := range r.Labels {
		if len(key)+len(value) > 100 {
			wrong = append(wrong, "label "+key+" is too long")
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%[1]s %%d: %%s", r.ID, strings.Join(wrong, ", "))
	}
	return nil
}

// %[2]ss keeps rows.
type %[2]ss struct{ Conn *pgx.Conn }

// Get reads one row.
func (s *%[2]ss) Get(ctx context.Context, id int64) (*%[2]s, error) {
	var r %[2]s
	err := s.Conn.QueryRow(ctx, "select id, name, amount, labels, created_at from t where id = $1", id).
		Scan(&r.ID, &r.Name, &r.Amount, &r.Labels, &r.CreatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNo%[2]s
	}
	if err != nil {
		return nil, fmt.Errorf("get %%d: %%w", id, err)
	}
	return &r, nil
}

// Put writes rows, all or none.
func (s *%[2]ss) Put(ctx context.Context, rows []*%[2]s) error {
	return pgx.BeginFunc(ctx, s.Conn, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		for _, r := range rows {
			if err := r.Validate(); err != nil {
				return err
			}
			batch.Queue("insert into t values ($1, $2, $3, $4, $5)", r.ID, r.Name, r.Amount, r.Labels, r.CreatedAt)
		}
		return tx.SendBatch(ctx, batch).Close()
	})
}

// Routes adds the handlers.
func (s *%[2]ss) Routes(group *gin.RouterGroup) {
	group.GET("/:id", func(c *gin.Context) {
		id, err := strconv.ParseInt(c.Param("id"), 10, 64)
		if err != nil {
			c.AbortWithStatusJSON(http.StatusBadRequest, gin.H{"error": err.Error()})
			return
		}
		switch row, err := s.Get(c, id); {
		case errors.Is(err, ErrNo%[2]s):
			c.AbortWithStatus(http.StatusNotFound)
		case err != nil:
			_ = c.AbortWithError(http.StatusInternalServerError, err)
		default:
			c.JSON(http.StatusOK, row)
		}
	})
	group.POST("/", func(c *gin.Context) {
		var rows []*%[2]s
		if err := c.ShouldBindJSON(&rows); err != nil {
			c.AbortWithStatusJSON(http.StatusBadRequest, gin.H{"error": err.Error()})
			return
		}
		if err := s.Put(c, rows); err != nil {
			_ = c.AbortWithError(http.StatusInternalServerError, err)
			return
		}
		c.Status(http.StatusCreated)
	})
}
`

// serviceResources are enough for a package of 600 lines, a usual size for services.
var serviceResources = []string{"Order", "Invoice", "Customer", "Delivery", "Return"}

const deepestPackage = `package p0

import "strings"

// Text is the bottom.
func Text(depth int) string { return strings.Repeat("p0 ", depth+1) }

// Record is a row.
type Record struct{ Name string }

// Title is inlined.
func (r Record) Title() string { return r.Name }
`

// makeService writes the service into dir and makes go find the versions of its dependencies.
func makeService(dir string) error {
	files := map[string]string{"go.mod": serviceModule, "p0/p0.go": deepestPackage}
	name := func(layer, i int) string {
		if layer == 0 {
			return "p0"
		}
		return fmt.Sprintf("p%d", (layer-1)*width+i+1)
	}
	var top, register strings.Builder
	for layer := 1; layer <= layers; layer++ {
		for i := range width {
			if layer == layers && i == width-1 {
				continue // together with p0 there are 40
			}
			below := map[string]bool{}
			for k := range 3 {
				below[name(layer-1, (i+k)%width)] = true
			}
			var imports, uses strings.Builder
			for k := range 3 {
				if b := name(layer-1, (i+k)%width); below[b] {
					delete(below, b)
					fmt.Fprintf(&imports, "\t\"example.com/service/%s\"\n", b)
					fmt.Fprintf(&uses, "\ttext += %s.Text(depth-1) + %s.Record{Name: text}.Title()\n", b, b)
				}
			}
			p := name(layer, i)
			files[p+"/"+p+".go"] = fmt.Sprintf(servicePackage, p, "\n"+imports.String(), uses.String())
			for _, resource := range serviceResources {
				files[p+"/"+strings.ToLower(resource)+".go"] = fmt.Sprintf(serviceResource, p, resource)
			}
			if layer == layers {
				fmt.Fprintf(&top, "\t\"example.com/service/%s\"\n", p)
				fmt.Fprintf(&register, "\t%s.Register(engine)\n", p)
			}
		}
	}
	files["main.go"] = fmt.Sprintf(serviceMain, "\n"+top.String(), register.String())
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			return err
		}
	}
	tidy := exec.Command("go", "mod", "tidy")
	tidy.Dir = dir
	if out, err := tidy.CombinedOutput(); err != nil {
		return fmt.Errorf("go mod tidy: %v\n%s", err, out)
	}
	return nil
}
