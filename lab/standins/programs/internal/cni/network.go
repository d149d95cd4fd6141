// Package cni connects one pod: a veth pair, one address, one route, as Calico's plugin wires it.
package cni

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/containernetworking/plugins/pkg/ip"
	"github.com/containernetworking/plugins/pkg/ns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The pod's gateway is an address that nobody has; the host's end of the veth answers for it with a fixed MAC.
var (
	gateway    = net.IPv4(169, 254, 1, 1)
	gatewayMAC = net.HardwareAddr{0xee, 0xee, 0xee, 0xee, 0xee, 0xee}
)

// HostName is the name of the host's end of a container's veth pair.
func HostName(container string) string {
	sum := sha1.Sum([]byte(container))
	return "cali" + hex.EncodeToString(sum[:])[:11]
}

// Connect makes the veth pair, gives the pod its address and the host the route to it. It returns the pod's MAC.
func Connect(namespace, container, podName string, address net.IP, mtu int) (mac string, err error) {
	pod, err := ns.GetNS(namespace)
	if err != nil {
		return "", fmt.Errorf("network namespace %s: %w", namespace, err)
	}
	defer pod.Close()
	hostName := HostName(container)
	err = pod.Do(func(host ns.NetNS) error {
		_, made, err := ip.SetupVethWithName(podName, hostName, mtu, "", host)
		if err != nil {
			return fmt.Errorf("veth pair: %w", err)
		}
		mac = made.HardwareAddr.String()
		return wirePod(podName, address)
	})
	if err != nil {
		return "", err
	}
	return mac, wireHost(hostName, address)
}

func wirePod(name string, address net.IP) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	index := link.Attrs().Index
	if err := netlink.AddrReplace(link, &netlink.Addr{IPNet: host(address)}); err != nil {
		return fmt.Errorf("address %s: %w", address, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("%s up: %w", name, err)
	}
	routes := []netlink.Route{
		{LinkIndex: index, Dst: host(gateway), Scope: netlink.SCOPE_LINK},
		{LinkIndex: index, Gw: gateway},
	}
	for _, route := range routes {
		if err := netlink.RouteReplace(&route); err != nil {
			return fmt.Errorf("route of the pod: %w", err)
		}
	}
	neighbour := &netlink.Neigh{LinkIndex: index, State: unix.NUD_PERMANENT, IP: gateway, HardwareAddr: gatewayMAC}
	if err := netlink.NeighSet(neighbour); err != nil {
		return fmt.Errorf("neighbour of the pod: %w", err)
	}
	return nil
}

func wireHost(name string, address net.IP) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetHardwareAddr(link, gatewayMAC); err != nil {
		return fmt.Errorf("MAC of %s: %w", name, err)
	}
	for setting, value := range map[string]string{"proxy_arp": "1", "forwarding": "1"} {
		path := filepath.Join("/proc/sys/net/ipv4/conf", name, setting)
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			return err
		}
	}
	route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: host(address), Scope: netlink.SCOPE_LINK}
	if err := netlink.RouteReplace(route); err != nil {
		return fmt.Errorf("route to the pod: %w", err)
	}
	return nil
}

// Disconnect removes the veth pair, and with it address and route; fine when it is gone.
func Disconnect(container string) error {
	link, err := netlink.LinkByName(HostName(container))
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return err
	}
	return netlink.LinkDel(link)
}

// Check tells what is missing of what Connect made.
func Check(container string, address net.IP) error {
	link, err := netlink.LinkByName(HostName(container))
	if err != nil {
		return fmt.Errorf("host's end of the veth pair: %w", err)
	}
	routes, err := netlink.RouteList(link, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for _, route := range routes {
		if route.Dst != nil && route.Dst.IP.Equal(address) {
			return nil
		}
	}
	return fmt.Errorf("no route to %s out of %s", address, link.Attrs().Name)
}

func host(address net.IP) *net.IPNet {
	return &net.IPNet{IP: address, Mask: net.CIDRMask(32, 32)}
}
