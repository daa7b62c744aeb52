// Command tools is kubectl, helm and kind in one file: all that a machine with a
// container engine needs, in a third of the time that the whole Kubernetes takes
// to compile, on Linux and macOS.
package main

import (
	"graphcron.dev/cluster/calls"
	"graphcron.dev/cluster/kube/clients"
)

func main() {
	calls.Run(clients.Commands)
}
