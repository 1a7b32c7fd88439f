// Pool is one of several equal workers: each message goes to the next idle one.
//
//	hotreload --workers 4 ./pool
//	hotreload send '{"file": "go.mod"}'
//
// After its hundredth message a worker asks to be replaced, like a program with a known memory leak.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"hotreload/worker"
)

type job struct {
	File string
	Wait string // imitates slow work
}

type result struct {
	Worker     int    `json:"worker"`
	Pid        int    `json:"pid"`
	Generation int    `json:"generation"`
	Sum        string `json:"sum,omitempty"`
	Error      string `json:"error,omitempty"`
}

const most = 100

func main() {
	done := 0
	for m := range worker.Messages() {
		r := result{Worker: worker.ID(), Pid: os.Getpid(), Generation: worker.Generation()}
		var j job
		err := m.Decode(&j)
		if wait, werr := time.ParseDuration(j.Wait); err == nil && werr == nil {
			time.Sleep(wait)
		}
		if err == nil && j.File != "" {
			var content []byte
			content, err = os.ReadFile(j.File)
			r.Sum = fmt.Sprintf("%x", sha256.Sum256(content))
		}
		if err != nil {
			r.Error = err.Error()
		}
		_ = m.Reply(r)
		done++
		low, high := 0.0, float64(most)
		worker.Report(fmt.Sprintf("%d messages", done), worker.Counter{Name: "messages", Value: float64(done), Unit: "c",
			Min: &low, Max: &high})
		if done == most {
			worker.Retire()
		}
	}
}
