// Dedicated is a worker with one client: hotreload. The worker adds up the received numbers. When its channel is
// closed, the worker writes the sum to a file and exits.
//
//	hotreload -- ./dedicated sum.txt
//	hotreload send '{"number": 7}'
//
// Without hotreload no number comes, and the program exits at the first Ctrl-C.
package main

import (
	"fmt"
	"log"
	"os"

	"hotreload/worker"
)

func main() {
	sum := 0
	for m := range worker.Messages() {
		var job struct{ Number int }
		if err := m.Decode(&job); err != nil {
			_ = m.Reply(map[string]string{"error": err.Error()})
			continue
		}
		sum += job.Number
		_ = m.Reply(map[string]int{"sum": sum, "generation": worker.Generation()})
	}
	// The channel is closed: finish and exit.
	if err := appendTo(os.Args[1], fmt.Sprintf("generation %d: %d\n", worker.Generation(), sum)); err != nil {
		log.Fatal(err)
	}
}

func appendTo(path, line string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(line); err != nil {
		return err
	}
	return f.Close()
}
