package calico

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// RouteProtocol marks the routes that are ours to remove.
const RouteProtocol netlink.RouteProtocol = 80

// vxlanOverhead is what VXLAN over IPv4 adds to a packet.
const vxlanOverhead = 50

// Apply makes the kernel be as the fabric says and returns the MTU that pods can use.
func Apply(fabric Fabric) (mtu int, err error) {
	parent, err := parentLink(fabric.Local)
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
		return 0, fmt.Errorf("forwarding: %w", err)
	}
	if !fabric.UseVXLAN {
		if err := removeDevice(); err != nil {
			return 0, err
		}
		return parent.Attrs().MTU, syncRoutes(fabric, parent, nil)
	}
	mtu = fabric.MTU
	if mtu == 0 {
		mtu = parent.Attrs().MTU - vxlanOverhead
	}
	device, err := ensureDevice(fabric, parent, mtu)
	if err != nil {
		return 0, err
	}
	if err := syncPeers(fabric, device); err != nil {
		return 0, err
	}
	return mtu, syncRoutes(fabric, parent, device)
}

func parentLink(address netip.Addr) (netlink.Link, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("links: %w", err)
	}
	for _, link := range links {
		addresses, err := netlink.AddrList(link, netlink.FAMILY_V4)
		if err != nil {
			return nil, fmt.Errorf("addresses of %s: %w", link.Attrs().Name, err)
		}
		for _, one := range addresses {
			if one.IP.Equal(address.AsSlice()) {
				return link, nil
			}
		}
	}
	return nil, fmt.Errorf("no interface has the node's address %s any more", address)
}

func removeDevice() error {
	link, err := netlink.LinkByName(DeviceName)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", DeviceName, err)
	}
	return netlink.LinkDel(link)
}

// ensureDevice makes the device, anew if an attribute differs that the kernel does not change in place.
func ensureDevice(fabric Fabric, parent netlink.Link, mtu int) (netlink.Link, error) {
	mac, err := net.ParseMAC(fabric.MAC)
	if err != nil {
		return nil, err
	}
	wanted := &netlink.Vxlan{
		LinkAttrs: netlink.LinkAttrs{Name: DeviceName, MTU: mtu, HardwareAddr: mac},
		VxlanId:   fabric.VNI, Port: fabric.Port, SrcAddr: fabric.Local.AsSlice(), VtepDevIndex: parent.Attrs().Index,
	}
	link, err := netlink.LinkByName(DeviceName)
	if err == nil {
		found, is := link.(*netlink.Vxlan)
		same := is && found.VxlanId == wanted.VxlanId && found.Port == wanted.Port &&
			found.SrcAddr.Equal(wanted.SrcAddr) &&
			found.VtepDevIndex == wanted.VtepDevIndex && !found.Learning && bytes.Equal(found.HardwareAddr, mac)
		if !same {
			if err := netlink.LinkDel(link); err != nil {
				return nil, fmt.Errorf("remove the old %s: %w", DeviceName, err)
			}
			link = nil
		}
	} else if !errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil, fmt.Errorf("%s: %w", DeviceName, err)
	}
	if link == nil {
		if err := netlink.LinkAdd(wanted); err != nil {
			return nil, fmt.Errorf("make %s (needs the kernel's vxlan): %w", DeviceName, err)
		}
		if link, err = netlink.LinkByName(DeviceName); err != nil {
			return nil, fmt.Errorf("%s: %w", DeviceName, err)
		}
	}
	if link.Attrs().MTU != mtu {
		if err := netlink.LinkSetMTU(link, mtu); err != nil {
			return nil, fmt.Errorf("MTU %d of %s: %w", mtu, DeviceName, err)
		}
	}
	if err := onlyAddress(link, fabric.Tunnel); err != nil {
		return nil, err
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return nil, fmt.Errorf("%s up: %w", DeviceName, err)
	}
	return link, nil
}

func onlyAddress(link netlink.Link, address netip.Addr) error {
	found, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("addresses of %s: %w", DeviceName, err)
	}
	for _, one := range found {
		if !one.IP.Equal(address.AsSlice()) {
			if err := netlink.AddrDel(link, &one); err != nil {
				return fmt.Errorf("old address of %s: %w", DeviceName, err)
			}
		}
	}
	if err := netlink.AddrReplace(link, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(address, 32))}); err != nil {
		return fmt.Errorf("address of %s: %w", DeviceName, err)
	}
	return nil
}

// syncPeers sets who is behind the tunnel: the MAC of each tunnel address, and the node that has this MAC.
func syncPeers(fabric Fabric, device netlink.Link) error {
	index := device.Attrs().Index
	wanted := map[string]netlink.Neigh{}
	for _, peer := range fabric.Peers {
		mac, err := net.ParseMAC(peer.MAC)
		if err != nil {
			return err
		}
		entries := []netlink.Neigh{
			{LinkIndex: index, Family: unix.AF_INET, State: unix.NUD_PERMANENT,
				IP: peer.Tunnel.AsSlice(), HardwareAddr: mac},
			{LinkIndex: index, Family: unix.AF_BRIDGE, State: unix.NUD_PERMANENT, Flags: unix.NTF_SELF,
				IP: peer.Underlay.AsSlice(), HardwareAddr: mac},
		}
		for _, entry := range entries {
			wanted[neighKey(entry)] = entry
		}
	}
	for _, family := range []int{unix.AF_INET, unix.AF_BRIDGE} {
		found, err := netlink.NeighList(index, family)
		if err != nil {
			return fmt.Errorf("neighbours of %s: %w", DeviceName, err)
		}
		for _, entry := range found {
			entry.Family = family
			if _, is := wanted[neighKey(entry)]; is || entry.State&unix.NUD_PERMANENT == 0 {
				continue
			}
			entry.Flags |= map[int]int{unix.AF_BRIDGE: unix.NTF_SELF}[family]
			if err := netlink.NeighDel(&entry); err != nil && !errors.Is(err, unix.ENOENT) {
				return fmt.Errorf("remove neighbour %s: %w", entry.HardwareAddr, err)
			}
		}
	}
	for _, entry := range wanted {
		if err := netlink.NeighSet(&entry); err != nil {
			return fmt.Errorf("neighbour %s %s: %w", entry.IP, entry.HardwareAddr, err)
		}
	}
	return nil
}

func neighKey(entry netlink.Neigh) string {
	return fmt.Sprint(entry.Family, entry.IP, entry.HardwareAddr)
}

// syncRoutes leaves exactly the fabric's routes among those with our protocol. Own pods without a route of their own
// meet a blackhole, so that packets to pods that are gone do not run in circles.
func syncRoutes(fabric Fabric, parent, device netlink.Link) error {
	wanted := []netlink.Route{{Dst: ipNet(fabric.OwnPods), Type: unix.RTN_BLACKHOLE, Protocol: RouteProtocol}}
	for _, route := range fabric.Routes {
		one := netlink.Route{Dst: ipNet(route.Destination), Gw: route.Via.AsSlice(), Protocol: RouteProtocol,
			LinkIndex: parent.Attrs().Index}
		if route.Tunnel {
			one.LinkIndex = device.Attrs().Index
			one.SetFlag(netlink.FLAG_ONLINK)
		}
		wanted = append(wanted, one)
	}
	keep := map[string]bool{}
	for _, route := range wanted {
		keep[route.Dst.String()] = true
		if err := netlink.RouteReplace(&route); err != nil {
			return fmt.Errorf("route %s: %w", route.Dst, err)
		}
	}
	ours := &netlink.Route{Protocol: RouteProtocol}
	found, err := netlink.RouteListFiltered(netlink.FAMILY_V4, ours, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return fmt.Errorf("routes: %w", err)
	}
	for _, route := range found {
		if route.Dst == nil || keep[route.Dst.String()] {
			continue
		}
		if err := netlink.RouteDel(&route); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("remove route %s: %w", route.Dst, err)
		}
	}
	return nil
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}
