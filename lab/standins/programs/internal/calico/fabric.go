package calico

import (
	"crypto/sha1"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// DeviceName of the VXLAN device, as the original has it.
const DeviceName = "vxlan.calico"

// Node is what the fabric has to know of a machine. Address carries the mask of the network it lies in.
type Node struct {
	Name    string
	Address netip.Prefix
	PodCIDR netip.Prefix
}

// Peer is another node's end of the tunnel.
type Peer struct {
	Tunnel   netip.Addr
	MAC      string
	Underlay netip.Addr
}

// Route to another node's pods. Via a tunnel address it goes out of the VXLAN device.
type Route struct {
	Destination netip.Prefix
	Via         netip.Addr
	Tunnel      bool
}

// Fabric is what one node's kernel has to have.
type Fabric struct {
	Tunnel     netip.Addr
	MAC        string
	Local      netip.Addr
	VNI, Port  int
	MTU        int // 0: the parent's less 50
	UseVXLAN   bool
	Peers      []Peer
	Routes     []Route
	OwnPods    netip.Prefix
	Pools      []netip.Prefix
	Masquerade []netip.Prefix
}

// Plan works out the fabric of node self. Problems are the parts that the stand-in cannot do; with any of them the node
// must not call itself ready.
func Plan(self Node, others []Node, pools []Pool, felix Felix) (fabric Fabric, problems []string) {
	fabric = Fabric{
		Tunnel: self.PodCIDR.Masked().Addr(), MAC: TunnelMAC(self.Name), Local: self.Address.Addr(),
		VNI: felix.VXLANVNI, Port: felix.VXLANPort, MTU: felix.VXLANMTU, OwnPods: self.PodCIDR.Masked(),
	}
	for _, pool := range pools {
		fabric.Pools = append(fabric.Pools, pool.CIDR)
		if pool.NATOutgoing {
			fabric.Masquerade = append(fabric.Masquerade, pool.CIDR)
		}
	}
	slices.SortFunc(fabric.Pools, netip.Prefix.Compare)
	slices.SortFunc(fabric.Masquerade, netip.Prefix.Compare)

	own, found := poolOf(self.PodCIDR, pools)
	if !found {
		return fabric, []string{fmt.Sprintf("the node's pod CIDR %s lies in no IPPool (%s): the stand-in takes "+
			"addresses from the node's CIDR, so the pool must hold the cluster's pod subnet", self.PodCIDR, poolNames(pools))}
	}
	if own.IPIP != Never {
		return fabric, []string{fmt.Sprintf("IPPool %s asks for IPIP (%s): the stand-in only does VXLAN and plain routes",
			own.Name, own.IPIP)}
	}
	fabric.UseVXLAN = own.VXLAN != Never

	others = slices.Clone(others)
	slices.SortFunc(others, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	for _, other := range others {
		near := self.Address.Masked().Contains(other.Address.Addr())
		switch {
		case own.VXLAN == Always, own.VXLAN == CrossSubnet && !near:
			tunnel := other.PodCIDR.Masked().Addr()
			peer := Peer{Tunnel: tunnel, MAC: TunnelMAC(other.Name), Underlay: other.Address.Addr()}
			fabric.Peers = append(fabric.Peers, peer)
			fabric.Routes = append(fabric.Routes, Route{Destination: other.PodCIDR.Masked(), Via: tunnel, Tunnel: true})
		case near:
			fabric.Routes = append(fabric.Routes, Route{Destination: other.PodCIDR.Masked(), Via: other.Address.Addr()})
		default:
			problems = append(problems, fmt.Sprintf("node %s (%s) is in another network than %s: without VXLAN that needs "+
				"BGP, which the stand-in does not do", other.Name, other.Address, self.Address))
		}
	}
	return fabric, problems
}

// TunnelMAC is the MAC of a node's tunnel end: it follows from the name, so nobody has to be told.
func TunnelMAC(node string) string {
	sum := sha1.Sum([]byte(node))
	return net.HardwareAddr(append([]byte{0x66}, sum[:5]...)).String()
}

func poolOf(cidr netip.Prefix, pools []Pool) (Pool, bool) {
	for _, pool := range pools {
		if pool.CIDR.Bits() <= cidr.Bits() && pool.CIDR.Contains(cidr.Addr()) {
			return pool, true
		}
	}
	return Pool{}, false
}

func poolNames(pools []Pool) string {
	words := []string{}
	for _, pool := range pools {
		words = append(words, pool.Name+" "+pool.CIDR.String())
	}
	if len(words) == 0 {
		return "there is none"
	}
	return strings.Join(words, ", ")
}
