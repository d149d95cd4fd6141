// Package nodestate is what calico-node tells the CNI plugin through a folder on the host.
package nodestate

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
)

// Folder is shared with the CNI plugin through the host.
const Folder = "/var/lib/calico"

const file = "lab-standin.json"

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
	files := map[string][]byte{file: content, "nodename": []byte(s.NodeName), "mtu": []byte(strconv.Itoa(s.MTU))}
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

// Read reads what Write wrote.
func Read(folder string) (State, error) {
	var state State
	content, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		return state, fmt.Errorf("calico-node (lab stand-in) has not written its state, is it running? %w", err)
	}
	return state, json.Unmarshal(content, &state)
}
