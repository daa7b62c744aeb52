// Package clients has the commands that people call: kubectl, helm and kind.
package clients

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	helm "helm.sh/helm/v4/pkg/cmd"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kind "sigs.k8s.io/kind/cmd/kind/app"
)

// Commands maps the name that a program is called by to what it then is.
var Commands = map[string]func() int{
	"kubectl": func() int { return cli.Run(kubectl.NewDefaultKubectlCommand()) },
	"helm":    runHelm,
	"kind":    runKind,
}

func runHelm() int {
	root, err := helm.NewRootCmd(os.Stdout, os.Args[1:], helm.SetupLogging)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cobra.EnableCommandSorting = false
	if err := root.Execute(); err != nil {
		return 1
	}
	return 0
}

func runKind() int {
	// Main exits by itself on an error.
	kind.Main()
	return 0
}
