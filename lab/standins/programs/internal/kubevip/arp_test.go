package kubevip

import (
	"encoding/hex"
	"net"
	"net/netip"
	"testing"
)

func TestFrameIsAnARPReplyToEverybodyAboutOneself(t *testing.T) {
	mac, _ := net.ParseMAC("02:00:00:00:00:01")
	got := hex.EncodeToString(GratuitousARP(mac, netip.MustParseAddr("192.168.0.10")))
	want := "ffffffffffff" + "020000000001" + "0806" + // Ethernet: to all, from us, ARP
		"0001" + "0800" + "06" + "04" + "0002" + // Ethernet and IPv4, a reply
		"020000000001" + "c0a8000a" + // the address is at this MAC
		"ffffffffffff" + "c0a8000a" // for all
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
