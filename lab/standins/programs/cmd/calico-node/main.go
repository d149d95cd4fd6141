// Command calico-node stands in for Calico's node agent in the lab: see --help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"detectviz.infra/lab/standins/internal/calico"
	"detectviz.infra/lab/standins/internal/notice"
)

var about = notice.Notice{
	Original: "calico-node",
	Does: []string{
		"finds the node's address (IP, IP_AUTODETECTION_METHOD) and tells it in the node's annotations",
		"makes the default IPPool, ClusterInformation and FelixConfiguration when they are not there",
		"VXLAN (device vxlan.calico) or, in one network, plain routes to the other nodes' pods",
		"MTU, VNI and port as Felix is set",
		"masquerades what pods of a pool with natOutgoing send out of the pools, in an nftables table of its own",
		"serves Felix's health and metrics ports, answers the probes, sets the node's NetworkUnavailable condition",
	},
	DoesNot: []string{
		"NetworkPolicy is not enforced", "BGP", "IPIP", "eBPF", "WireGuard", "IPv6",
		"Calico IPAM (pods get addresses from the node's pod CIDR)",
		"iptables or nftables mode (nftablesMode and iptablesBackend have no effect)",
		"most settings of FelixConfiguration",
	},
}

const probeTimeout = 8 * time.Second

func main() {
	if notice.AskedForHelp(os.Args[1:]) {
		fmt.Print(about.Help())
		return
	}
	flags := flag.NewFlagSet("calico-node", flag.ExitOnError)
	probes := map[string]*bool{}
	for _, name := range []string{"felix-live", "felix-ready", "bird-live", "bird-ready", "bird6-live", "bird6-ready"} {
		probes[name] = flags.Bool(name, false, "probe")
	}
	initialise := flags.Bool("init", false, "mount the BPF file system")
	bestEffort := flags.Bool("best-effort", false, "with -init: tell errors, and end well all the same")
	shutdown := flags.Bool("shutdown", false, "tell that the node's network goes away")
	version := flags.Bool("v", false, "print the version")
	_ = flags.Parse(os.Args[1:])
	switch {
	case *version:
		fmt.Println(notice.Version(), "(lab stand-in)")
	case *initialise:
		if err := mountBPF(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			if !*bestEffort {
				os.Exit(1)
			}
		}
	case *shutdown:
		exit(networkGoes())
	case anyOf(probes):
		exit(probe(probes))
	default:
		exit(work())
	}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func anyOf(switches map[string]*bool) bool {
	for _, value := range switches {
		if *value {
			return true
		}
	}
	return false
}

func probe(asked map[string]*bool) error {
	ctx, stop := context.WithTimeout(context.Background(), probeTimeout)
	defer stop()
	var problems []error
	for name, wanted := range asked {
		if !*wanted {
			continue
		}
		who, what, _ := strings.Cut(name, "-")
		if who != "felix" {
			problems = append(problems, fmt.Errorf(
				"%s: there is no BIRD here (lab stand-in); with the vxlan backend the manifest has no such probe", name))
			continue
		}
		path := map[string]string{"live": "liveness", "ready": "readiness"}[what]
		if err := calico.Probe(ctx, path); err != nil {
			problems = append(problems, fmt.Errorf("calico/node is not %s: %w", what, err))
		}
	}
	return errors.Join(problems...)
}

// mountBPF mounts the BPF file system where the manifest wants it, as the original does; nothing here uses it.
func mountBPF() error {
	const path = "/sys/fs/bpf"
	var found unix.Statfs_t
	if err := unix.Statfs(path, &found); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if found.Type == unix.BPF_FS_MAGIC {
		return nil
	}
	if err := unix.Mount("bpffs", path, "bpf", 0, ""); err != nil {
		return fmt.Errorf("mount the BPF file system on %s: %w", path, err)
	}
	return nil
}

func nodeName() (string, error) {
	for _, name := range []string{"CALICO_K8S_NODE_REF", "NODENAME"} {
		if value := os.Getenv(name); value != "" {
			return value, nil
		}
	}
	name, err := os.Hostname()
	return strings.ToLower(name), err
}

func networkGoes() error {
	node, err := nodeName()
	if err != nil {
		return err
	}
	clients, err := calico.Connect()
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.Background(), probeTimeout)
	defer stop()
	return calico.SetNetworkUnavailable(ctx, clients, node, true)
}

func work() error {
	slog.Warn(about.Short(), "version", notice.Version())
	node, err := nodeName()
	if err != nil {
		return err
	}
	if backend := os.Getenv("CALICO_NETWORKING_BACKEND"); backend != "vxlan" {
		slog.Warn("the stand-in has no BIRD: its probes fail and no routes are exchanged", "backend", backend)
	}
	clients, err := calico.Connect()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	agent := &calico.Agent{Clients: clients, NodeName: node, About: about}
	return agent.Run(ctx)
}
