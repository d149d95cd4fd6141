package cni

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/version"
	"github.com/containernetworking/plugins/pkg/ipam"

	"detectviz.infra/lab/standins/internal/nodestate"
)

// addressPlugin hands out the addresses: CNI's own host-local, in place of calico-ipam.
const addressPlugin = "host-local"

// Configuration is the part of the plugin's configuration that is read: Calico's own file is used as it is.
type Configuration struct {
	types.NetConf
	MTU int `json:"mtu"`
}

// Functions of the plugin, for skel.
func Functions() skel.CNIFuncs {
	return skel.CNIFuncs{Add: add, Del: remove, Check: check}
}

func add(arguments *skel.CmdArgs) (err error) {
	configuration, state, err := read(arguments)
	if err != nil {
		return err
	}
	asked, err := addressRequest(configuration, state)
	if err != nil {
		return err
	}
	answer, err := ipam.ExecAdd(addressPlugin, asked)
	if err != nil {
		return fmt.Errorf("address from %s: %w", state.PodCIDR, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, Disconnect(arguments.ContainerID), ipam.ExecDel(addressPlugin, asked))
		}
	}()
	got, err := current.NewResultFromResult(answer)
	if err != nil {
		return err
	}
	if len(got.IPs) != 1 {
		return fmt.Errorf("%s gave %d addresses, one is needed", addressPlugin, len(got.IPs))
	}
	address := got.IPs[0].Address.IP
	mac, err := Connect(arguments.Netns, arguments.ContainerID, arguments.IfName, address, podMTU(configuration, state))
	if err != nil {
		return err
	}
	inPod := 1
	result := &current.Result{
		CNIVersion: current.ImplementedSpecVersion,
		Interfaces: []*current.Interface{
			{Name: HostName(arguments.ContainerID)},
			{Name: arguments.IfName, Mac: mac, Sandbox: arguments.Netns},
		},
		IPs: []*current.IPConfig{{Address: *host(address), Interface: &inPod}},
	}
	return types.PrintResult(result, configuration.CNIVersion)
}

// remove works without calico-node's state too: a pod that could not be added has to be removable. host-local frees by
// the container's id, whatever the range is.
func remove(arguments *skel.CmdArgs) error {
	configuration, state, err := read(arguments)
	if err != nil {
		state.PodCIDR = netip.MustParsePrefix("10.0.0.0/8")
	}
	asked, err := addressRequest(configuration, state)
	if err != nil {
		return err
	}
	return errors.Join(ipam.ExecDel(addressPlugin, asked), Disconnect(arguments.ContainerID))
}

func check(arguments *skel.CmdArgs) error {
	configuration, _, err := read(arguments)
	if err != nil {
		return err
	}
	if err := version.ParsePrevResult(&configuration.NetConf); err != nil {
		return err
	}
	got, err := current.NewResultFromResult(configuration.PrevResult)
	if err != nil {
		return err
	}
	var problems []error
	for _, one := range got.IPs {
		problems = append(problems, Check(arguments.ContainerID, one.Address.IP))
	}
	return errors.Join(problems...)
}

func read(arguments *skel.CmdArgs) (Configuration, nodestate.State, error) {
	var configuration Configuration
	if err := json.Unmarshal(arguments.StdinData, &configuration); err != nil {
		return configuration, nodestate.State{}, fmt.Errorf("configuration: %w", err)
	}
	state, err := nodestate.Read(nodestate.Folder)
	return configuration, state, err
}

// addressRequest is the configuration for host-local: any address of the node's range.
func addressRequest(configuration Configuration, state nodestate.State) ([]byte, error) {
	_, network, err := net.ParseCIDR(state.PodCIDR.String())
	if err != nil {
		return nil, fmt.Errorf("pod CIDR of the node: %w", err)
	}
	return json.Marshal(map[string]any{
		"cniVersion": configuration.CNIVersion, "name": configuration.Name,
		"ipam": map[string]any{"type": addressPlugin, "ranges": [][]map[string]string{{{"subnet": network.String()}}}},
	})
}

// podMTU is what the configuration says, or with 0 what calico-node found.
func podMTU(configuration Configuration, state nodestate.State) int {
	if configuration.MTU != 0 {
		return configuration.MTU
	}
	return state.MTU
}
