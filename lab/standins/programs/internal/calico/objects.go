package calico

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"detectviz.infra/lab/standins/internal/notice"
)

// Calico's objects in the API.
var (
	Pools               = resource("ippools")
	FelixConfigurations = resource("felixconfigurations")
	ClusterInformations = resource("clusterinformations")
)

// Annotations of Calico on nodes.
const (
	addressAnnotation = "projectcalico.org/IPv4Address"
	tunnelAnnotation  = "projectcalico.org/IPv4VXLANTunnelAddr"
)

func resource(name string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "crd.projectcalico.org", Version: "v1", Resource: name}
}

// Clients of the API server.
type Clients struct {
	Core    kubernetes.Interface
	Dynamic dynamic.Interface
}

// Connect makes clients from KUBECONFIG if it is set, else from the service account.
func Connect() (Clients, error) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return Clients{}, fmt.Errorf("API server: %w", err)
	}
	return ConnectTo(config)
}

// ConnectTo makes clients for an API server.
func ConnectTo(config *rest.Config) (Clients, error) {
	core, err := kubernetes.NewForConfig(config)
	if err != nil {
		return Clients{}, fmt.Errorf("API server: %w", err)
	}
	objects, err := dynamic.NewForConfig(config)
	return Clients{Core: core, Dynamic: objects}, err
}

// EnsureObjects makes what Calico makes at its first start and others look for: a pool if there is no IPv4 pool,
// ClusterInformation and the cluster's FelixConfiguration. What is there is only completed, never changed.
func EnsureObjects(ctx context.Context, clients Clients, lookup func(string) string, about notice.Notice) error {
	kubeadmCIDR, isKubeadm, err := kubeadmPods(ctx, clients)
	if err != nil {
		return err
	}
	if err := ensurePool(ctx, clients, lookup, kubeadmCIDR); err != nil {
		return err
	}
	kind := lookup("CLUSTER_TYPE")
	if isKubeadm {
		kind += ",kubeadm"
	}
	guid := make([]byte, 16)
	_, _ = rand.Read(guid)
	wanted := map[string]any{
		"clusterGUID": hex.EncodeToString(guid), "clusterType": kind, "calicoVersion": notice.Version(),
		"datastoreReady": true,
	}
	annotations := map[string]string{notice.Annotation: about.Short()}
	err = ensure(ctx, clients, ClusterInformations, "ClusterInformation", wanted, annotations, "calicoVersion")
	if err != nil {
		return err
	}
	felix := map[string]any{"reportingInterval": "0s", "logSeverityScreen": "Info"}
	return ensure(ctx, clients, FelixConfigurations, "FelixConfiguration", felix, nil)
}

// kubeadmPods reads the pod subnet from kubeadm's configuration; not being allowed to is as good as not being there.
func kubeadmPods(ctx context.Context, clients Clients) (cidr string, found bool, err error) {
	store := clients.Core.CoreV1().ConfigMaps(metav1.NamespaceSystem)
	configuration, err := store.Get(ctx, "kubeadm-config", metav1.GetOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("kubeadm's configuration: %w", err)
	}
	return KubeadmPodCIDR(configuration.Data["ClusterConfiguration"]), true, nil
}

func ensurePool(ctx context.Context, clients Clients, lookup func(string) string, kubeadmCIDR string) error {
	spec, err := DefaultPool(lookup, kubeadmCIDR)
	if err != nil || spec == nil {
		return err
	}
	list, err := clients.Dynamic.Resource(Pools).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("IPPools: %w", err)
	}
	if len(ParsePools(list.Items)) > 0 {
		return nil
	}
	made := object("IPPool", DefaultPoolName, spec, nil)
	_, err = clients.Dynamic.Resource(Pools).Create(ctx, made, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make IPPool %s: %w", DefaultPoolName, err)
	}
	slog.Info("made the default pool", "spec", spec)
	return nil
}

// ensure makes the object "default", or sets the values that are missing and those that are named as ours.
func ensure(ctx context.Context, clients Clients, kind schema.GroupVersionResource, name string, wanted map[string]any,
	annotations map[string]string, ours ...string) error {
	store := clients.Dynamic.Resource(kind)
	found, err := store.Get(ctx, "default", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = store.Create(ctx, object(name, "default", wanted, annotations), metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
	} else if err == nil && complete(found, wanted, annotations, ours) {
		_, err = store.Update(ctx, found, metav1.UpdateOptions{})
		if apierrors.IsConflict(err) {
			return nil // somebody else was faster: another node's calico-node with the same wish
		}
	}
	if err != nil {
		return fmt.Errorf("%s default: %w", name, err)
	}
	return nil
}

func complete(found *unstructured.Unstructured, wanted map[string]any, annotations map[string]string,
	ours []string) (changed bool) {
	spec, _ := found.Object["spec"].(map[string]any)
	if spec == nil {
		spec = map[string]any{}
	}
	for name, value := range wanted {
		_, there := spec[name]
		for _, own := range ours {
			there = there && (own != name || spec[name] == value)
		}
		if !there {
			spec[name], changed = value, true
		}
	}
	found.Object["spec"] = spec
	all := found.GetAnnotations()
	if all == nil {
		all = map[string]string{}
	}
	for name, value := range annotations {
		changed = changed || all[name] != value
		all[name] = value
	}
	if len(all) > 0 {
		found.SetAnnotations(all)
	}
	return changed
}

func object(kind, name string, spec map[string]any, annotations map[string]string) *unstructured.Unstructured {
	made := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "crd.projectcalico.org/v1", "kind": kind, "metadata": map[string]any{"name": name},
		"spec": maps.Clone(spec),
	}}
	if annotations != nil {
		made.SetAnnotations(annotations)
	}
	return made
}

// ParsePools reads the IPv4 pools among IPPool objects.
func ParsePools(objects []unstructured.Unstructured) []Pool {
	var found []Pool
	for _, one := range objects {
		spec, _ := one.Object["spec"].(map[string]any)
		if pool, ok := ParsePool(one.GetName(), spec); ok {
			found = append(found, pool)
		}
	}
	return found
}

// ParseNode reads what the fabric has to know of a node; ok is false until the node has a pod CIDR and its calico-node
// has told the address.
func ParseNode(node *corev1.Node) (parsed Node, ok bool) {
	address, err := netip.ParsePrefix(node.Annotations[addressAnnotation])
	if err != nil {
		return Node{}, false
	}
	cidr, ok := PodCIDR(node)
	return Node{Name: node.Name, Address: address, PodCIDR: cidr}, ok
}

// PodCIDR is the node's IPv4 range for pods.
func PodCIDR(node *corev1.Node) (netip.Prefix, bool) {
	for _, text := range append([]string{node.Spec.PodCIDR}, node.Spec.PodCIDRs...) {
		if cidr, err := netip.ParsePrefix(text); err == nil && cidr.Addr().Is4() {
			return cidr, true
		}
	}
	return netip.Prefix{}, false
}

// Annotate tells the node's address and tunnel address, and that this is the stand-in.
func Annotate(ctx context.Context, clients Clients, self Node, about notice.Notice) error {
	annotations := map[string]string{
		addressAnnotation: self.Address.String(), tunnelAnnotation: self.PodCIDR.Masked().Addr().String(),
		notice.Annotation: about.Short(),
	}
	patch := map[string]any{"metadata": map[string]any{"annotations": annotations}}
	return patchStatus(ctx, clients, self.Name, types.MergePatchType, patch)
}

// SetNetworkUnavailable sets the node's condition as Calico does when it comes up and goes down.
func SetNetworkUnavailable(ctx context.Context, clients Clients, node string, unavailable bool) error {
	condition := map[string]any{
		"type": corev1.NodeNetworkUnavailable, "status": "False", "reason": "CalicoIsUp",
		"message": "Calico (lab stand-in) is running on this node",
	}
	if unavailable {
		condition["status"], condition["reason"] = "True", "CalicoIsDown"
		condition["message"] = "Calico (lab stand-in) is shutting down on this node"
	}
	now := metav1.NewTime(time.Now())
	condition["lastHeartbeatTime"], condition["lastTransitionTime"] = now, now
	patch := map[string]any{"status": map[string]any{"conditions": []any{condition}}}
	return patchStatus(ctx, clients, node, types.StrategicMergePatchType, patch)
}

func patchStatus(ctx context.Context, clients Clients, node string, kind types.PatchType, patch map[string]any) error {
	content, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	_, err = clients.Core.CoreV1().Nodes().Patch(ctx, node, kind, content, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("node %s: %w", node, err)
	}
	return nil
}
