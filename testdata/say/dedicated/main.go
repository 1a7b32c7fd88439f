// Dedicated is a worker that has one master: hotreload. It adds up the numbers that it is sent, and when its channel
// comes to an end it writes the sum to a file and leaves.
//
//	hotreload -- ./dedicated sum.txt
//	hotreload send '{"number": 7}'
//
// Run alone it works, too: it gets no numbers, and leaves with the first Ctrl-C.
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
	// The end of the channel: finish and leave.
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
