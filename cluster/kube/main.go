// Command kube is a whole Kubernetes in one file: it links the real components
// and runs the one whose name it is called by, so that `kubectl`, `helm`,
// `etcd` and the rest are symlinks to it.
//
// It exists because CI machines without a container engine, and clusters that
// can pull no image, still deserve a real Kubernetes, and the Go module proxy
// is the one place that has all of it.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"graphcron.dev/cluster/calls"
	"graphcron.dev/cluster/kube/clients"
	"k8s.io/component-base/cli"
	kubeadm "k8s.io/kubernetes/cmd/kubeadm/app"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	// Metrics and the JSON log format register themselves on import, as in
	// the components' own main packages.
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"

	// As upstream's apiserver and controller manager have it: a CronJob's
	// time zone is looked up in it where the image has no zoneinfo.
	_ "time/tzdata"
)

// commands maps the name the program is called by to what it then is.
var commands = map[string]func() int{
	"etcd":                    runEtcd,
	"kube-apiserver":          func() int { return cli.Run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() int { return cli.Run(controllermanager.NewControllerManagerCommand()) },
	"kube-scheduler":          func() int { return cli.Run(scheduler.NewSchedulerCommand()) },
	"kube-proxy":              func() int { return cli.Run(proxy.NewProxyCommand()) },
	"kubelet":                 func() int { return cli.Run(kubelet.NewKubeletCommand(context.Background())) },
	"kubeadm":                 runKubeadm,
	"coredns":                 runCoreDNS,
}

func main() {
	maps.Copy(commands, clients.Commands)
	calls.Run(commands)
}

func runEtcd() int {
	etcdmain.Main(os.Args)
	return 0
}

func runKubeadm() int {
	if err := kubeadm.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func runCoreDNS() int {
	// Only the plugins linked above, in the order in which a query passes them.
	dnsserver.Directives = []string{
		"reload", "bind", "errors", "health", "ready", "prometheus", "loadbalance", "cache", "kubernetes", "loop", "forward",
	}
	coremain.Run()
	return 0
}
