package cni

import "detectviz.infra/lab/standins/internal/notice"

// About the programs of the image calico/cni.
var About = notice.Notice{
	Original: "Calico's CNI plugins",
	Does: []string{
		"install: copies the plugins to the host, fills CNI_NETWORK_CONFIG and writes it to /etc/cni/net.d",
		"calico: veth pair with a /32 address, gateway 169.254.1.1 and a host route",
		"the MTU of the configuration, or with 0 the one that calico-node found",
		"addresses come from the node's pod CIDR, by CNI's host-local",
	},
	DoesNot: []string{
		"Calico IPAM: no blocks, affinities or handles", "NetworkPolicy and profiles", "workload endpoints",
		"annotations on pods", "floating or fixed addresses", "IPv6", "a kubeconfig for the plugin",
	},
}
