package kubevip

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

func environment(pairs ...string) func(string) string {
	values := map[string]string{
		"vip_interface": "eth0", "address": "192.168.0.10", "vip_arp": "true", "cp_enable": "true", "vip_nodename": "Master-1",
	}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return values[name] }
}

func TestDefaultsAreThoseOfVersion1(t *testing.T) {
	config, err := ParseEnvironment(environment())
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Interface: "eth0", Address: netip.MustParsePrefix("192.168.0.10/32"), Port: 6443, NodeName: "master-1",
		LeaseNamespace: "kube-system", LeaseName: "plndr-cp-lock", LeaseDuration: 15 * time.Second,
		RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second, ARPInterval: 3 * time.Second, MetricsAddress: ":2112",
	}
	if !reflect.DeepEqual(config, want) {
		t.Errorf("got %+v\nwant %+v", config, want)
	}
}

func TestMaskIsReadUnderItsOldAndItsNewName(t *testing.T) {
	for name, value := range map[string]string{"vip_cidr": "24", "vip_subnet": "/24"} {
		config, err := ParseEnvironment(environment(name, value))
		if err != nil || config.Address.Bits() != 24 {
			t.Errorf("%s=%s gave %s, %v", name, value, config.Address, err)
		}
	}
}

func TestEveryProblemIsToldAtOnce(t *testing.T) {
	_, err := ParseEnvironment(environment(
		"vip_interface", "", "address", "vip.example", "vip_arp", "false", "bgp_enable", "true", "vip_leaseduration", "3",
		"port", "many",
	))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, word := range []string{"vip_interface", "vip.example", "vip_arp", "bgp_enable", "lease times", "port"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not told in: %v", word, err)
		}
	}
}

func TestPartsThatAreLeftOutAreNamed(t *testing.T) {
	config, err := ParseEnvironment(environment("svc_enable", "true"))
	if err != nil || len(config.Ignored) != 1 || config.Ignored[0] != "svc_enable" {
		t.Errorf("got %v, %v", config.Ignored, err)
	}
}
