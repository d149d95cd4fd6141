package cni

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Install copies the plugins to the host and writes the network configuration that the manifest gives.
// All plugins come first: the kubelet calls the network ready as soon as the configuration is there.
func Install(plugins, hostPlugins, hostConfiguration string, lookup func(string) string) error {
	content, err := NetworkConfiguration(lookup)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(plugins)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == "install" || !entry.Type().IsRegular() {
			continue
		}
		if err := copyFile(filepath.Join(plugins, entry.Name()), filepath.Join(hostPlugins, entry.Name())); err != nil {
			return err
		}
	}
	name := or(lookup("CNI_CONF_NAME"), "10-calico.conflist")
	return replace(filepath.Join(hostConfiguration, name), strings.NewReader(content), 0o600)
}

// NetworkConfiguration is CNI_NETWORK_CONFIG with its placeholders filled. A placeholder that is not known is refused.
// No kubeconfig is written for the plugin: the stand-in's asks the API server nothing.
func NetworkConfiguration(lookup func(string) string) (string, error) {
	text := lookup("CNI_NETWORK_CONFIG")
	if text == "" {
		return "", errors.New("CNI_NETWORK_CONFIG is not set: the manifest takes it from ConfigMap calico-config")
	}
	text = strings.NewReplacer(
		"__KUBERNETES_NODE_NAME__", lookup("KUBERNETES_NODE_NAME"),
		"__CNI_MTU__", or(lookup("CNI_MTU"), "1500"),
		"__KUBECONFIG_FILEPATH__", "/etc/cni/net.d/calico-kubeconfig",
		"__LOG_LEVEL__", or(lookup("LOG_LEVEL"), "info"),
		"__DATASTORE_TYPE__", or(lookup("DATASTORE_TYPE"), "kubernetes"),
	).Replace(text)
	var parsed any
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		return "", fmt.Errorf("CNI_NETWORK_CONFIG is no JSON after the placeholders are filled: %w", err)
	}
	if _, after, left := strings.Cut(text, `"__`); left {
		name, _, _ := strings.Cut(after, `"`)
		return "", fmt.Errorf("CNI_NETWORK_CONFIG has a placeholder that the stand-in does not know: __%s", name)
	}
	return text, nil
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	return replace(to, source, 0o755)
}

// replace writes beside the target and renames: a plugin may be running while it is replaced.
func replace(path string, content io.Reader, mode os.FileMode) error {
	part, err := os.CreateTemp(filepath.Dir(path), ".calico-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = io.Copy(part, content)
	if err := errors.Join(err, part.Chmod(mode), part.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(part.Name(), path)
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
