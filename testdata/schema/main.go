// Command schema validates JSON documents by a JSON Schema, for the test of docs/hotreload.schema.json. The command is
// a module of its own, to keep the validator out of hotreload's dependencies.
//
// stdin holds {"schema": …, "documents": […]}; stdout is a list with an error for each document, "" for a valid one.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	in, err := jsonschema.UnmarshalJSON(os.Stdin)
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("hotreload.json", in.(map[string]any)["schema"]); err != nil {
		return err
	}
	schema, err := compiler.Compile("hotreload.json")
	if err != nil {
		return err
	}
	faults := []string{}
	for _, document := range in.(map[string]any)["documents"].([]any) {
		fault := ""
		if err := schema.Validate(document); err != nil {
			fault = err.Error()
		}
		faults = append(faults, fault)
	}
	return json.NewEncoder(os.Stdout).Encode(faults)
}
