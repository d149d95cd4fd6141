package kubevip

import (
	"encoding/hex"
	"net"
	"net/netip"
	"testing"
)

func TestFramesAreAnARPRequestAndAReplyToEverybodyAboutOneself(t *testing.T) {
	mac, _ := net.ParseMAC("02:00:00:00:00:01")
	frames := GratuitousARP(mac, netip.MustParseAddr("192.168.0.10"))
	link := "ffffffffffff" + "020000000001" + "0806" // to all, from us, ARP
	kind := "0001" + "0800" + "06" + "04"            // Ethernet and IPv4
	about := "020000000001" + "c0a8000a"             // the address is at this MAC
	want := []string{
		link + kind + "0001" + about + "ffffffffffff" + "c0a8000a",
		link + kind + "0002" + about + "020000000001" + "c0a8000a",
	}
	for i, frame := range frames {
		if got := hex.EncodeToString(frame); len(frames) != 2 || got != want[i] {
			t.Errorf("got  %s\nwant %s", got, want[i])
		}
	}
}
