package kubevip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// AddAddress puts the address on the interface; fine when it is there already.
func AddAddress(interfaceName string, prefix netip.Prefix) error {
	link, err := netlink.LinkByName(interfaceName)
	if err != nil {
		return fmt.Errorf("interface %s: %w", interfaceName, err)
	}
	if err := netlink.AddrReplace(link, &netlink.Addr{IPNet: ipNet(prefix)}); err != nil {
		return fmt.Errorf("add %s to %s (needs NET_ADMIN): %w", prefix, interfaceName, err)
	}
	return nil
}

// RemoveAddress takes the address from the interface, with whatever mask it is there; it tells whether it was there.
func RemoveAddress(interfaceName string, address netip.Addr) (bool, error) {
	link, err := netlink.LinkByName(interfaceName)
	if err != nil {
		return false, fmt.Errorf("interface %s: %w", interfaceName, err)
	}
	found, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return false, fmt.Errorf("addresses of %s: %w", interfaceName, err)
	}
	removed := false
	for _, one := range found {
		if !one.IP.Equal(address.AsSlice()) {
			continue
		}
		err := netlink.AddrDel(link, &netlink.Addr{IPNet: one.IPNet})
		if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return removed, fmt.Errorf("remove %s from %s: %w", one.IPNet, interfaceName, err)
		}
		removed = true
	}
	return removed, nil
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}
