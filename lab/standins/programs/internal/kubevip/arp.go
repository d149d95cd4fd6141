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
	arpRequest    = 1
	arpReply      = 2
	frameBytes    = 42
)

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// GratuitousARP are the Ethernet frames that tell everybody on the link: this address is at this MAC. There are two, a
// request and a reply, as not every device believes both (RFC 5944, 4.6). Linux believes a reply at once only if its
// target has the sender's own MAC.
func GratuitousARP(mac net.HardwareAddr, address netip.Addr) [][]byte {
	return [][]byte{frame(arpRequest, mac, address, broadcast), frame(arpReply, mac, address, mac)}
}

func frame(operation uint16, mac net.HardwareAddr, address netip.Addr, target net.HardwareAddr) []byte {
	frame := make([]byte, 0, frameBytes)
	frame = append(frame, broadcast...)
	frame = append(frame, mac...)
	frame = binary.BigEndian.AppendUint16(frame, etherTypeARP)
	frame = binary.BigEndian.AppendUint16(frame, hardwareEther)
	frame = binary.BigEndian.AppendUint16(frame, etherTypeIPv4)
	frame = append(frame, 6, 4)
	frame = binary.BigEndian.AppendUint16(frame, operation)
	frame = append(frame, mac...)
	frame = append(frame, address.AsSlice()...)
	frame = append(frame, target...)
	return append(frame, address.AsSlice()...)
}

// Announce sends gratuitous ARP out of the interface once.
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
	for _, frame := range GratuitousARP(link.HardwareAddr, address) {
		if err := unix.Sendto(socket, frame, 0, target); err != nil {
			return fmt.Errorf("gratuitous ARP for %s on %s: %w", address, interfaceName, err)
		}
	}
	return nil
}
