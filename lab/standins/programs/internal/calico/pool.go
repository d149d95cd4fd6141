package calico

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// DefaultPoolName is the name under which Calico makes its first pool.
const DefaultPoolName = "default-ipv4-ippool"

const defaultPoolCIDR = "192.168.0.0/16"

// Modes of an encapsulation, as an IPPool has them.
const (
	Never       = "Never"
	Always      = "Always"
	CrossSubnet = "CrossSubnet"
)

// Pool is what an IPPool object says of one range of pod addresses.
type Pool struct {
	Name        string
	CIDR        netip.Prefix
	VXLAN       string
	IPIP        string
	NATOutgoing bool
}

// DefaultPool is the spec of the pool that CALICO_IPV4POOL_* asks for when there is none yet, or nil if it is not
// wanted. Without a CIDR it is kubeadm's pod subnet, else Calico's default.
func DefaultPool(lookup func(string) string, kubeadmCIDR string) (map[string]any, error) {
	text := lookup("CALICO_IPV4POOL_CIDR")
	if text == "none" || strings.EqualFold(lookup("NO_DEFAULT_POOLS"), "true") {
		return nil, nil
	}
	if text == "" {
		text = kubeadmCIDR
	}
	if text == "" {
		text = defaultPoolCIDR
	}
	cidr, err := netip.ParsePrefix(text)
	if err != nil || !cidr.Addr().Is4() {
		return nil, fmt.Errorf("CALICO_IPV4POOL_CIDR is %q: an IPv4 network is needed", text)
	}
	ipip, err := encapsulation("CALICO_IPV4POOL_IPIP", lookup)
	if err != nil {
		return nil, err
	}
	vxlan, err := encapsulation("CALICO_IPV4POOL_VXLAN", lookup)
	if err != nil {
		return nil, err
	}
	size := 26
	if text := lookup("CALICO_IPV4POOL_BLOCK_SIZE"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 20 || size > 32 {
			return nil, fmt.Errorf("CALICO_IPV4POOL_BLOCK_SIZE is %q: a number from 20 to 32 is needed", text)
		}
	}
	selector := lookup("CALICO_IPV4POOL_NODE_SELECTOR")
	if selector == "" {
		selector = "all()"
	}
	return map[string]any{
		"cidr": cidr.Masked().String(), "ipipMode": ipip, "vxlanMode": vxlan, "blockSize": int64(size),
		"nodeSelector": selector, "natOutgoing": !isFalse(lookup("CALICO_IPV4POOL_NAT_OUTGOING")),
		"allowedUses": []any{"Workload", "Tunnel"},
	}, nil
}

func encapsulation(name string, lookup func(string) string) (string, error) {
	switch strings.ToLower(lookup(name)) {
	case "", "off", "never":
		return Never, nil
	case "crosssubnet", "cross-subnet":
		return CrossSubnet, nil
	case "always":
		return Always, nil
	}
	return "", fmt.Errorf("%s is %q: Always, CrossSubnet or Never is needed", name, lookup(name))
}

func isFalse(text string) bool {
	value, err := strconv.ParseBool(text)
	return err == nil && !value
}

var podSubnet = regexp.MustCompile(`(?m)^\s*podSubnet:\s*"?([0-9./]+)`)

// KubeadmPodCIDR is the first IPv4 pod subnet in kubeadm's ClusterConfiguration, or "".
func KubeadmPodCIDR(configuration string) string {
	if found := podSubnet.FindStringSubmatch(configuration); found != nil {
		return found[1]
	}
	return ""
}

// ParsePool reads an IPPool's name and spec; ok is false for pools that are not IPv4.
func ParsePool(name string, spec map[string]any) (pool Pool, ok bool) {
	text, _ := spec["cidr"].(string)
	cidr, err := netip.ParsePrefix(text)
	if err != nil || !cidr.Addr().Is4() {
		return Pool{}, false
	}
	pool = Pool{Name: name, CIDR: cidr.Masked(), VXLAN: Never, IPIP: Never}
	if mode, _ := spec["vxlanMode"].(string); mode != "" {
		pool.VXLAN = mode
	}
	if mode, _ := spec["ipipMode"].(string); mode != "" {
		pool.IPIP = mode
	}
	pool.NATOutgoing, _ = spec["natOutgoing"].(bool)
	return pool, true
}
