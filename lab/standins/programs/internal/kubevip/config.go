// Package kubevip holds one address for a control plane: the node that holds the lease has it on its interface.
package kubevip

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config is what the environment variables of kube-vip's manifest say.
type Config struct {
	Interface string
	Address   netip.Prefix
	Port      int
	NodeName  string

	LeaseNamespace string
	LeaseName      string
	LeaseDuration  time.Duration
	RenewDeadline  time.Duration
	RetryPeriod    time.Duration

	// ARPInterval is the time between two gratuitous ARP announcements while the address is held.
	ARPInterval time.Duration

	MetricsAddress string
	HealthPort     int

	KubeconfigPath    string
	KubernetesAddress string

	// Ignored are settings that are on and have no effect here, to be told in the log.
	Ignored []string
}

// Switches that the stand-in refuses: with them the original would advertise the address in another way,
// and a cluster that seems to work would prove nothing.
var refused = []string{
	"bgp_enable", "vip_routingtable", "vip_wireguard", "lb_enable", "cp_detect", "zebra_enable", "vip_ddns",
}

// Switches of parts that are left out, where the address of the control plane is not concerned.
var ignored = []string{
	"svc_enable", "svc_election", "enable_node_labeling", "enable_upnp", "vip_preserve_on_leadership_loss",
}

// ParseEnvironment reads the variables through lookup and returns every problem at once.
func ParseEnvironment(lookup func(string) string) (Config, error) {
	read := &reader{lookup: lookup}
	config := Config{
		Interface:         lookup("vip_interface"),
		Port:              read.number("port", 6443),
		NodeName:          strings.ToLower(lookup("vip_nodename")),
		LeaseNamespace:    read.text("cp_namespace", "kube-system"),
		LeaseName:         read.text("vip_leasename", "plndr-cp-lock"),
		LeaseDuration:     read.seconds("vip_leaseduration", 15),
		RenewDeadline:     read.seconds("vip_renewdeadline", 10),
		RetryPeriod:       read.seconds("vip_retryperiod", 2),
		ARPInterval:       time.Duration(read.number("vip_arpRate", 3000)) * time.Millisecond,
		MetricsAddress:    read.text("prometheus_server", ":2112"),
		HealthPort:        read.number("health_check_port", 0),
		KubeconfigPath:    lookup("k8s_config_file"),
		KubernetesAddress: lookup("kubernetes_addr"),
	}
	config.Address = read.address()
	if config.Interface == "" {
		read.fail("vip_interface is not set: name the interface that gets the address")
	}
	for _, name := range []string{"vip_arp", "cp_enable"} {
		if !read.truth(name) {
			read.fail("%s is not true: the stand-in only holds a control plane's address by ARP", name)
		}
	}
	for _, name := range refused {
		if read.truth(name) {
			read.fail("%s is true: the stand-in cannot do this; use the original image", name)
		}
	}
	for _, name := range ignored {
		if read.truth(name) {
			config.Ignored = append(config.Ignored, name)
		}
	}
	if config.LeaseDuration <= config.RenewDeadline || config.RenewDeadline <= config.RetryPeriod {
		read.fail("lease times must fall: vip_leaseduration %s > vip_renewdeadline %s > vip_retryperiod %s",
			config.LeaseDuration, config.RenewDeadline, config.RetryPeriod)
	}
	if config.NodeName == "" {
		name, err := os.Hostname()
		if err != nil {
			read.fail("vip_nodename is not set and the host has no name: %v", err)
		}
		config.NodeName = strings.ToLower(name)
	}
	return config, errors.Join(read.problems...)
}

type reader struct {
	lookup   func(string) string
	problems []error
}

func (r *reader) fail(format string, arguments ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, arguments...))
}

func (r *reader) text(name, otherwise string) string {
	if value := r.lookup(name); value != "" {
		return value
	}
	return otherwise
}

func (r *reader) number(name string, otherwise int) int {
	text := r.lookup(name)
	if text == "" {
		return otherwise
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < 0 {
		r.fail("%s is %q: a whole number is needed", name, text)
		return otherwise
	}
	return value
}

func (r *reader) seconds(name string, otherwise int) time.Duration {
	return time.Duration(r.number(name, otherwise)) * time.Second
}

func (r *reader) truth(name string) bool {
	text := r.lookup(name)
	if text == "" {
		return false
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		r.fail("%s is %q: true or false is needed", name, text)
	}
	return value
}

// address reads the address and its mask: vip_subnet since 1.0, vip_cidr before it.
func (r *reader) address() netip.Prefix {
	text := r.text("address", r.lookup("vip_address"))
	address, err := netip.ParseAddr(text)
	if err != nil || !address.Is4() {
		r.fail("address is %q: the stand-in holds one IPv4 address", text)
		return netip.Prefix{}
	}
	mask := strings.TrimPrefix(r.text("vip_subnet", r.text("vip_cidr", "32")), "/")
	bits, err := strconv.Atoi(mask)
	if err != nil || bits < 0 || bits > 32 {
		r.fail("vip_subnet is %q: a number of bits from 0 to 32 is needed", mask)
		return netip.Prefix{}
	}
	return netip.PrefixFrom(address, bits)
}
