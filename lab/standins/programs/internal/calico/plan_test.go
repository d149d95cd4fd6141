package calico

import (
	"net/netip"
	"strings"
	"testing"
)

func node(name, address, pods string) Node {
	return Node{Name: name, Address: netip.MustParsePrefix(address), PodCIDR: netip.MustParsePrefix(pods)}
}

func pool(vxlan, ipip string) Pool {
	return Pool{Name: "default-ipv4-ippool", CIDR: netip.MustParsePrefix("10.244.0.0/16"), VXLAN: vxlan, IPIP: ipip, NATOutgoing: true}
}

var (
	self  = node("master-1", "10.0.0.11/24", "10.244.0.0/24")
	near  = node("worker", "10.0.0.14/24", "10.244.3.0/24")
	far   = node("remote", "10.9.0.5/24", "10.244.9.0/24")
	felix = Felix{VXLANMTU: 1450, VXLANVNI: 4096, VXLANPort: 4789}
)

func TestVXLANAlwaysGoesThroughTheTunnelToEveryNode(t *testing.T) {
	fabric, problems := Plan(self, []Node{near, far}, []Pool{pool(Always, Never)}, felix)
	if len(problems) != 0 || len(fabric.Peers) != 2 || len(fabric.Routes) != 2 || !fabric.UseVXLAN || fabric.MTU != 1450 {
		t.Fatalf("%+v, %v", fabric, problems)
	}
	for _, route := range fabric.Routes {
		if !route.Tunnel || route.Via != route.Destination.Addr() {
			t.Errorf("route %+v", route)
		}
	}
}

func TestCrossSubnetTunnelsOnlyToOtherNetworks(t *testing.T) {
	fabric, problems := Plan(self, []Node{near, far}, []Pool{pool(CrossSubnet, Never)}, felix)
	if len(problems) != 0 || len(fabric.Peers) != 1 || fabric.Peers[0].Underlay != far.Address.Addr() {
		t.Fatalf("%+v, %v", fabric, problems)
	}
	for _, route := range fabric.Routes {
		if route.Destination == near.PodCIDR && (route.Tunnel || route.Via != near.Address.Addr()) {
			t.Errorf("route %+v", route)
		}
	}
}

func TestWhatTheStandInCannotDoIsAProblem(t *testing.T) {
	outside := self
	outside.PodCIDR = netip.MustParsePrefix("192.168.5.0/24")
	for word, given := range map[string]struct {
		self Node
		pool Pool
	}{
		"IPIP": {self, pool(Never, Always)}, "BGP": {self, pool(Never, Never)}, "lies in no IPPool": {outside, pool(Always, Never)},
	} {
		_, problems := Plan(given.self, []Node{far}, []Pool{given.pool}, felix)
		if len(problems) != 1 || !strings.Contains(problems[0], word) {
			t.Errorf("%s: %v", word, problems)
		}
	}
}

func TestPlanDoesNotDependOnTheOrderOfNodes(t *testing.T) {
	one, _ := Plan(self, []Node{near, far}, []Pool{pool(Always, Never)}, felix)
	two, _ := Plan(self, []Node{far, near}, []Pool{pool(Always, Never)}, felix)
	if one.Routes[0] != two.Routes[0] || one.Peers[0] != two.Peers[0] {
		t.Errorf("%v and %v", one, two)
	}
}

func TestTunnelMACIsLocalAndFollowsFromTheName(t *testing.T) {
	if TunnelMAC("a") == TunnelMAC("b") || TunnelMAC("a") != TunnelMAC("a") || !strings.HasPrefix(TunnelMAC("a"), "66:") {
		t.Error(TunnelMAC("a"), TunnelMAC("b"))
	}
}

func TestEnvironmentWinsOverTheNodesAndTheClustersConfiguration(t *testing.T) {
	cluster := map[string]any{"vxlanMTU": int64(1450), "healthEnabled": true, "prometheusMetricsEnabled": true}
	node := map[string]any{"prometheusMetricsPort": int64(9999)}
	got, err := ResolveFelix([]string{"FELIX_VXLANMTU=0", "PATH=/bin"}, node, cluster)
	if err != nil || got.VXLANMTU != 0 || !got.HealthEnabled || got.MetricsPort != 9999 || !got.MetricsEnabled {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = ResolveFelix(nil, nil, cluster); err != nil || got.VXLANMTU != 1450 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err = ResolveFelix([]string{"FELIX_VXLANMTU=big"}, nil, nil); err == nil {
		t.Error("accepted")
	}
}

func TestDefaultPoolFollowsTheManifest(t *testing.T) {
	values := map[string]string{"CALICO_IPV4POOL_VXLAN": "Always", "CALICO_IPV4POOL_IPIP": "Never"}
	lookup := func(name string) string { return values[name] }
	spec, err := DefaultPool(lookup, "10.244.0.0/16")
	if err != nil || spec["cidr"] != "10.244.0.0/16" || spec["vxlanMode"] != Always || spec["ipipMode"] != Never || spec["natOutgoing"] != true {
		t.Errorf("%v, %v", spec, err)
	}
	values["CALICO_IPV4POOL_CIDR"] = "10.5.0.0/16"
	if spec, _ = DefaultPool(lookup, "10.244.0.0/16"); spec["cidr"] != "10.5.0.0/16" {
		t.Errorf("%v", spec)
	}
	values["CALICO_IPV4POOL_CIDR"] = "none"
	if spec, err = DefaultPool(lookup, ""); spec != nil || err != nil {
		t.Errorf("%v, %v", spec, err)
	}
	values["CALICO_IPV4POOL_CIDR"], values["CALICO_IPV4POOL_VXLAN"] = "", "sometimes"
	if _, err = DefaultPool(lookup, ""); err == nil {
		t.Error("accepted")
	}
}

func TestKubeadmsPodSubnetIsFound(t *testing.T) {
	text := "networking:\n  dnsDomain: cluster.local\n  podSubnet: 10.244.0.0/16,fd00::/64\n"
	if got := KubeadmPodCIDR(text); got != "10.244.0.0/16" {
		t.Errorf("%q", got)
	}
}

func TestAddressIsDetectedAsTheMethodSays(t *testing.T) {
	interfaces := []Interface{
		{Name: "lo", Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}},
		{Name: "eth0", Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("192.168.0.11/24"), netip.MustParsePrefix("192.168.0.10/32")}},
		{Name: "eth1", Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.11/24")}},
	}
	internal := netip.MustParseAddr("10.0.0.11")
	for method, want := range map[string]string{
		"": "192.168.0.11/24", "first-found": "192.168.0.11/24", "cidr=10.0.0.0/24": "10.0.0.11/24", "interface=eth1": "10.0.0.11/24",
		"skip-interface=eth0": "10.0.0.11/24", "kubernetes-internal-ip": "10.0.0.11/24",
	} {
		got, err := DetectAddress(method, interfaces, internal)
		if err != nil || got.String() != want {
			t.Errorf("%s: %s, %v", method, got, err)
		}
	}
	for _, method := range []string{"cidr=10.7.0.0/24", "cidr=x", "can-reach=1.1.1.1", "interface=eno.*"} {
		if got, err := DetectAddress(method, interfaces, internal); err == nil {
			t.Errorf("%s gave %s", method, got)
		}
	}
}
