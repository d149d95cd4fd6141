// Command kube-vip stands in for kube-vip in the lab: see --help.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"detectviz.infra/lab/standins/internal/kubevip"
	"detectviz.infra/lab/standins/internal/notice"
)

var about = notice.Notice{
	Original: "kube-vip",
	Does: []string{
		"reads kube-vip's environment variables (vip_*, cp_*, address, port, prometheus_server)",
		"takes part in the same election (client-go, lease plndr-cp-lock in kube-system) with the given times",
		"puts the address on the interface while it holds the lease, and announces it by gratuitous ARP",
		"removes the address when the lease is lost, on SIGTERM, and at start if an earlier process left it",
	},
	DoesNot: []string{
		"Services of type LoadBalancer", "BGP, routing tables, WireGuard", "IPVS load balancing", "IPv6",
		"DHCP and DNS names", "the original's metrics",
	},
}

func main() {
	arguments := os.Args[1:]
	if notice.AskedForHelp(arguments) {
		fmt.Print(about.Help())
		return
	}
	if len(arguments) != 1 || arguments[0] != "manager" {
		fmt.Fprintf(os.Stderr, "Only \"manager\" is known, not %q. %s\n", arguments, about.Short())
		os.Exit(2)
	}
	slog.Warn(about.Short(), "version", notice.Version())
	config, err := kubevip.ParseEnvironment(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if len(config.Ignored) > 0 {
		slog.Warn("these settings are on and have no effect here", "settings", config.Ignored)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := kubevip.Run(ctx, config, about); err != nil {
		slog.Error("stopped", "error", err)
		os.Exit(1)
	}
}
