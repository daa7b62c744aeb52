// Tells what GitOps tools make of an object by the rules of kstatus: reads objects as JSON, one a line, and answers each
// with its status and message.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	wholenumbers "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	objects := json.NewDecoder(os.Stdin)
	for {
		var text json.RawMessage
		if err := objects.Decode(&text); err == io.EOF {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		var content map[string]any
		if err := wholenumbers.Unmarshal(text, &content); err != nil {
			log.Fatal(err)
		}
		result, err := status.Compute(&unstructured.Unstructured{Object: content})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %s\n", result.Status, result.Message)
	}
}
