// Command databases is a server with a log, an SQLite file and a bbolt file next to its source. All three are open from
// the start, and each request writes to them. The argument is the server's address.
package main

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"log"
	"net/http"
	"os"

	"go.etcd.io/bbolt"
	_ "modernc.org/sqlite"
)

func main() {
	file, err := os.OpenFile("server.log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	must(err)
	journal := log.New(file, "", log.LstdFlags)
	db, err := sql.Open("sqlite", "app.db")
	must(err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec("create table if not exists requests (path text)")
	must(err)
	store, err := bbolt.Open("app.bolt", 0o666, &bbolt.Options{NoSync: true})
	must(err)
	bucket := []byte("requests")
	must(store.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	}))
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		journal.Print(r.URL)
		_, err := db.Exec("insert into requests values (?)", r.URL.Path)
		must(err)
		must(store.Update(func(tx *bbolt.Tx) error {
			n, err := tx.Bucket(bucket).NextSequence()
			if err != nil {
				return err
			}
			return tx.Bucket(bucket).Put(binary.BigEndian.AppendUint64(nil, n), []byte(r.URL.Path))
		}))
		fmt.Fprint(w, word)
	})
	log.Println("listening on", os.Args[1])
	must(http.ListenAndServe(os.Args[1], nil))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
