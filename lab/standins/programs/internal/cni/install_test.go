package cni

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const template = `{"name": "k8s-pod-network", "cniVersion": "1.0.0", "plugins": [{"type": "calico", "nodename": "__KUBERNETES_NODE_NAME__",
 "mtu": __CNI_MTU__, "kubernetes": {"kubeconfig": "__KUBECONFIG_FILEPATH__"}}]}`

func lookup(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestPluginsAndConfigurationReachTheHost(t *testing.T) {
	image, plugins, configuration := t.TempDir(), t.TempDir(), t.TempDir()
	for _, name := range []string{"calico", "host-local", "install"} {
		if err := os.WriteFile(filepath.Join(image, name), []byte(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	values := map[string]string{"CNI_NETWORK_CONFIG": template, "KUBERNETES_NODE_NAME": "master-1", "CNI_MTU": "1450"}
	for range 2 { // the second time over what is there
		if err := Install(image, plugins, configuration, lookup(values)); err != nil {
			t.Fatal(err)
		}
	}
	if content, _ := os.ReadFile(filepath.Join(plugins, "calico")); string(content) != "calico" {
		t.Errorf("calico is %q", content)
	}
	if _, err := os.Stat(filepath.Join(plugins, "install")); err == nil {
		t.Error("install is no plugin")
	}
	content, err := os.ReadFile(filepath.Join(configuration, "10-calico.conflist"))
	if err != nil || !strings.Contains(string(content), `"mtu": 1450`) || !strings.Contains(string(content), `"nodename": "master-1"`) {
		t.Errorf("%s, %v", content, err)
	}
	left, _ := filepath.Glob(filepath.Join(configuration, ".calico-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestConfigurationThatCannotBeFilledIsRefused(t *testing.T) {
	for _, text := range []string{"", "{", `{"a": "__ETCD_ENDPOINTS__"}`} {
		if got, err := NetworkConfiguration(lookup(map[string]string{"CNI_NETWORK_CONFIG": text})); err == nil {
			t.Errorf("%q gave %s", text, got)
		}
	}
}

func TestHostsEndHasANameThatTheKernelTakes(t *testing.T) {
	if name := HostName("some-very-long-container-id"); len(name) != 15 || HostName("other") == name {
		t.Error(name)
	}
}
