package kubevip

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

const (
	etherTypeARP  = 0x0806
	etherTypeIPv4 = 0x0800
	hardwareEther = 1
	arpReply      = 2
	frameBytes    = 42
)

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// GratuitousARP is the Ethernet frame that tells everybody on the link: this address is at this MAC.
func GratuitousARP(mac net.HardwareAddr, address netip.Addr) []byte {
	frame := make([]byte, 0, frameBytes)
	frame = append(frame, broadcast...)
	frame = append(frame, mac...)
	frame = binary.BigEndian.AppendUint16(frame, etherTypeARP)
	frame = binary.BigEndian.AppendUint16(frame, hardwareEther)
	frame = binary.BigEndian.AppendUint16(frame, etherTypeIPv4)
	frame = append(frame, 6, 4)
	frame = binary.BigEndian.AppendUint16(frame, arpReply)
	frame = append(frame, mac...)
	frame = append(frame, address.AsSlice()...)
	frame = append(frame, broadcast...)
	return append(frame, address.AsSlice()...)
}

// Announce sends one gratuitous ARP out of the interface.
func Announce(interfaceName string, address netip.Addr) error {
	link, err := net.InterfaceByName(interfaceName)
	if err != nil {
		return fmt.Errorf("interface %s: %w", interfaceName, err)
	}
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("packet socket (needs NET_RAW): %w", err)
	}
	defer unix.Close(socket)
	target := &unix.SockaddrLinklayer{Ifindex: link.Index, Halen: 6}
	copy(target.Addr[:], broadcast)
	if err := unix.Sendto(socket, GratuitousARP(link.HardwareAddr, address), 0, target); err != nil {
		return fmt.Errorf("gratuitous ARP for %s on %s: %w", address, interfaceName, err)
	}
	return nil
}
