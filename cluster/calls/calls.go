// Package calls lets one program be many: it is whichever command it is called by.
package calls

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Run runs the command that the program's own name or its first argument names, and exits with its code.
func Run(commands map[string]func() int) {
	name := filepath.Base(os.Args[0])
	run, known := commands[name]
	if !known && len(os.Args) > 1 {
		// `kube kubectl get pods` works too, for use without symlinks.
		if run, known = commands[os.Args[1]]; known {
			os.Args = os.Args[1:]
		}
	}
	if !known {
		names := slices.Sorted(maps.Keys(commands))
		fmt.Fprintf(os.Stderr, "%s: call me by one of these names: %s\n", name, strings.Join(names, ", "))
		os.Exit(2)
	}
	os.Exit(run())
}
