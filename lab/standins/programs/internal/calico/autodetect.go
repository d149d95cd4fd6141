package calico

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
)

// Interface of this machine with its IPv4 addresses in the kernel's order.
type Interface struct {
	Name      string
	Up        bool
	Addresses []netip.Prefix
}

// Interfaces that are never the node's own when no interface is named.
var notTheNodes = regexp.MustCompile(
	`^(docker|cbr|dummy|podman|virbr|lxcbr|veth|lo|br-|cali|tunl|flannel|kube-ipvs|cni|vxlan|wireguard|wg-v6|nodelocaldns)`)

// DetectAddress finds the node's address among its interfaces as IP_AUTODETECTION_METHOD says:
// first-found (also ""), cidr=, interface=, skip-interface= (regular expressions with commas), kubernetes-internal-ip.
func DetectAddress(method string, interfaces []Interface, internalIP netip.Addr) (netip.Prefix, error) {
	kind, list, _ := strings.Cut(method, "=")
	wanted := func(Interface, netip.Prefix) bool { return true }
	excluded := notTheNodes.MatchString
	switch kind {
	case "", "first-found":
	case "cidr":
		var networks []netip.Prefix
		for _, text := range split(list) {
			network, err := netip.ParsePrefix(text)
			if err != nil {
				return netip.Prefix{}, fmt.Errorf("IP_AUTODETECTION_METHOD %s: %w", method, err)
			}
			networks = append(networks, network)
		}
		excluded = func(string) bool { return false }
		wanted = func(_ Interface, address netip.Prefix) bool {
			for _, network := range networks {
				if network.Contains(address.Addr()) {
					return true
				}
			}
			return false
		}
	case "interface", "skip-interface":
		names, err := regexp.Compile("(" + strings.Join(split(list), ")|(") + ")")
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("IP_AUTODETECTION_METHOD %s: %w", method, err)
		}
		if kind == "interface" {
			excluded = func(name string) bool { return !names.MatchString(name) }
		} else {
			excluded = func(name string) bool { return notTheNodes.MatchString(name) || names.MatchString(name) }
		}
	case "kubernetes-internal-ip":
		excluded = func(string) bool { return false }
		wanted = func(_ Interface, address netip.Prefix) bool { return address.Addr() == internalIP }
	default:
		return netip.Prefix{}, fmt.Errorf("IP_AUTODETECTION_METHOD %s: the stand-in does not know this method", method)
	}
	for _, one := range interfaces {
		if !one.Up || excluded(one.Name) {
			continue
		}
		for _, address := range one.Addresses {
			if address.Addr().IsGlobalUnicast() && wanted(one, address) {
				return address, nil
			}
		}
	}
	return netip.Prefix{}, fmt.Errorf("IP_AUTODETECTION_METHOD %q finds no address on this node: %s",
		method, describe(interfaces))
}

// LocalInterfaces reads this machine's interfaces.
func LocalInterfaces() ([]Interface, error) {
	links, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("interfaces: %w", err)
	}
	var found []Interface
	for _, link := range links {
		addresses, err := link.Addrs()
		if err != nil {
			return nil, fmt.Errorf("addresses of %s: %w", link.Name, err)
		}
		one := Interface{Name: link.Name, Up: link.Flags&net.FlagUp != 0}
		for _, address := range addresses {
			if prefix, err := netip.ParsePrefix(address.String()); err == nil && prefix.Addr().Is4() {
				one.Addresses = append(one.Addresses, prefix)
			}
		}
		found = append(found, one)
	}
	return found, nil
}

func describe(interfaces []Interface) string {
	var words []string
	for _, one := range interfaces {
		for _, address := range one.Addresses {
			words = append(words, one.Name+" "+address.String())
		}
	}
	return strings.Join(words, ", ")
}

func split(list string) []string {
	words := strings.Split(list, ",")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words
}
