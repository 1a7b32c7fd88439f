// Command alone is a server of which only one process can run at a time; the first argument selects the reason. The
// second argument is its address, the third its folder. At its start, the server reads its answer from two files there
// (a.txt, b.txt).
package main

import (
	"database/sql"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/syndtr/goleveldb/leveldb"
	"go.etcd.io/bbolt"
	_ "modernc.org/sqlite"
)

// kept has values that must stay open.
var kept any

func main() {
	if err := os.Chdir(os.Args[3]); err != nil {
		log.Fatal(err)
	}
	a, err := os.ReadFile("a.txt")
	b, err2 := os.ReadFile("b.txt")
	if err := errors.Join(err, err2); err != nil {
		log.Fatal(err)
	}
	if string(b) == "broken" {
		log.Fatal("as broken as told")
	}
	if err := ways[os.Args[1]](); err != nil {
		log.Fatal("cannot start: ", err)
	}
	if string(b) == "slow" {
		time.Sleep(6 * time.Second)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", a, b) })
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	log.Fatal(http.ListenAndServe(os.Args[2], nil))
}

var ways = map[string]func() error{
	"nothing": func() error { return nil },
	"flock":   func() error { return flock(syscall.LOCK_EX | syscall.LOCK_NB) },
	"flock that waits": func() error {
		return flock(syscall.LOCK_EX)
	},
	"fcntl": func() error {
		file, err := os.OpenFile("app.lock", os.O_CREATE|os.O_RDWR, 0o644)
		kept = file
		if err != nil {
			return err
		}
		return syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK})
	},
	"silent": func() error {
		if flock(syscall.LOCK_EX|syscall.LOCK_NB) != nil {
			os.Exit(1)
		}
		return nil
	},
	"bbolt":              func() error { return openBolt(0) },
	"bbolt with Timeout": func() error { return openBolt(time.Second) },
	"badger": func() error {
		db, err := badger.Open(badger.DefaultOptions("badger").WithLoggingLevel(badger.ERROR))
		kept = db
		return err
	},
	"leveldb": func() error {
		db, err := leveldb.OpenFile("level", nil)
		kept = db
		return err
	},
	"sqlite":            func() error { return openSQLite(0) },
	"sqlite that waits": func() error { return openSQLite(time.Hour) },
	"pid file":          func() error { return pidFile(os.O_EXCL) },
	"pid file that is read": func() error {
		if text, err := os.ReadFile("app.pid"); err == nil {
			if pid, _ := strconv.Atoi(string(text)); syscall.Kill(pid, 0) == nil {
				return fmt.Errorf("another instance runs already, as pid %d", pid)
			}
		}
		return pidFile(0)
	},
	"listener of its own": func() error { // an abstract name, or a path on systems without them
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		dir, _ := os.Getwd()
		return syscall.Bind(fd, &syscall.SockaddrUnix{Name: "@" + dir[max(0, len(dir)-90):]})
	},
}

func flock(how int) error {
	file, err := os.OpenFile("app.lock", os.O_CREATE|os.O_RDWR, 0o644)
	kept = file
	if err != nil {
		return err
	}
	return syscall.Flock(int(file.Fd()), how)
}

func openBolt(timeout time.Duration) error {
	db, err := bbolt.Open("app.bolt", 0o600, &bbolt.Options{Timeout: timeout})
	kept = db
	return err
}

func openSQLite(wait time.Duration) error {
	db, err := sql.Open("sqlite", fmt.Sprintf("app.db?_pragma=busy_timeout(%d)&_pragma=locking_mode(exclusive)",
		wait.Milliseconds()))
	if err != nil {
		return err
	}
	kept = db
	db.SetMaxOpenConns(1)
	_, err = db.Exec("create table if not exists starts (at text); insert into starts values (datetime())")
	return err
}

// pidFile creates a PID file, which is removed at the end, as usual.
func pidFile(flags int) error {
	file, err := os.OpenFile("app.pid", os.O_CREATE|os.O_WRONLY|os.O_TRUNC|flags, 0o644)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("already running: %w", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprint(file, os.Getpid())
	file.Close()
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-asked
		_ = os.Remove("app.pid")
		os.Exit(0)
	}()
	return nil
}
