// Pool is one of several workers that all do the same: each message goes to the next one that is idle.
//
//	hotreload --workers 4 ./pool
//	hotreload send '{"file": "go.mod"}'
//
// After its hundredth message a worker has itself replaced, as workers do that are known to leak.
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
	Wait string // for what takes long
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
		worker.Report(fmt.Sprintf("%d messages", done), worker.Counter{Name: "messages", Value: float64(done), Unit: "c", Min: &low, Max: &high})
		if done == most {
			worker.Retire()
		}
	}
}
