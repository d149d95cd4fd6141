package kubevip

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// AdminConfig is where the static pod's manifest mounts the kubeconfig.
const AdminConfig = "/etc/kubernetes/admin.conf"

const requestTimeout = 10 * time.Second

// RESTConfig finds the way to the API server in the order of the original: a file that is named, then the
// administrator's file, then the user's, then the pod's service account. With the administrator's file the server is
// https://kubernetes:<port>, which hostAliases points to this machine: the file's own server is the address that this
// program has yet to bring up.
func RESTConfig(config Config) (*rest.Config, error) {
	home := filepath.Join(os.Getenv("HOME"), ".kube", "config")
	var found *rest.Config
	var err error
	switch {
	case config.KubeconfigPath != "" && config.KubeconfigPath != AdminConfig && exists(config.KubeconfigPath):
		found, err = fromFile(config.KubeconfigPath, config.KubernetesAddress)
	case exists(AdminConfig):
		server := config.KubernetesAddress
		if server == "" {
			server = fmt.Sprintf("kubernetes:%d", config.Port)
		}
		found, err = fromFile(AdminConfig, server)
	case exists(home):
		found, err = fromFile(home, "")
	default:
		slog.Info("no kubeconfig file, using the service account", "looked at", []string{AdminConfig, home})
		found, err = rest.InClusterConfig()
	}
	if err != nil {
		return nil, err
	}
	found.Timeout = requestTimeout
	return found, nil
}

func fromFile(path, server string) (*rest.Config, error) {
	found, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", path, err)
	}
	if server != "" {
		found.Host = server
	}
	slog.Info("using kubeconfig", "path", path, "server", found.Host)
	return found, nil
}

func exists(path string) bool {
	information, err := os.Stat(path)
	return err == nil && !information.IsDir()
}
