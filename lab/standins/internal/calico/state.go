package calico

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
)

// StateFolder is shared with the CNI plugin through the host.
const StateFolder = "/var/lib/calico"

const stateFile = "lab-standin.json"

// State is what the CNI plugin has to know of the node.
type State struct {
	NodeName string       `json:"node_name"`
	PodCIDR  netip.Prefix `json:"pod_cidr"`
	MTU      int          `json:"mtu"`
}

// Write puts the state into the folder, beside the files nodename and mtu that Calico has there.
func (s State) Write(folder string) error {
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	files := map[string][]byte{stateFile: content, "nodename": []byte(s.NodeName), "mtu": []byte(strconv.Itoa(s.MTU))}
	for name, content := range files {
		part := filepath.Join(folder, "."+name)
		if err := os.WriteFile(part, content, 0o644); err != nil {
			return err
		}
		if err := os.Rename(part, filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	return nil
}

// ReadState reads what Write wrote.
func ReadState(folder string) (State, error) {
	var state State
	content, err := os.ReadFile(filepath.Join(folder, stateFile))
	if err != nil {
		return state, fmt.Errorf("calico-node (lab stand-in) has not written its state, is it running? %w", err)
	}
	return state, json.Unmarshal(content, &state)
}
