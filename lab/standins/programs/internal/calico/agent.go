package calico

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"detectviz.infra/lab/standins/internal/nodestate"
	"detectviz.infra/lab/standins/internal/notice"
)

const (
	retryEvery  = 2 * time.Second
	resyncEvery = 30 * time.Second
	// settle gathers the events of a change that touches many objects into one turn.
	settle = 200 * time.Millisecond
)

// Agent keeps one node's kernel as the cluster's objects say.
type Agent struct {
	Clients  Clients
	NodeName string
	About    notice.Notice

	health   *Health
	servers  Servers
	self     Node
	nodes    listers.NodeLister
	dynamic  dynamicinformer.DynamicSharedInformerFactory
	changed  chan struct{}
	last     Fabric
	lastText string
	up       bool
}

// Run works until the context ends. Until the API answers and the node has a pod CIDR it tries again and says why.
func (a *Agent) Run(ctx context.Context) error {
	a.health = &Health{}
	a.servers = Servers{Health: a.health}
	a.changed = make(chan struct{}, 1)
	for {
		err := a.start(ctx)
		if err == nil {
			break
		}
		a.say(err)
		a.health.Report(0, err)
		if felix, err := ResolveFelix(os.Environ(), nil, nil); err == nil {
			a.servers.Follow(felix)
		}
		if !sleep(ctx, retryEvery) {
			return nil
		}
	}
	if err := a.watch(ctx); err != nil {
		return err
	}
	for {
		a.turn(ctx)
		wait := resyncEvery
		if a.health.ready() != nil {
			wait = retryEvery
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.changed:
			if !sleep(ctx, settle) {
				return nil
			}
		case <-time.After(wait):
		}
	}
}

// start does what Calico does once: find the address, make the objects, tell the node's annotations.
func (a *Agent) start(ctx context.Context) error {
	node, err := a.Clients.Core.CoreV1().Nodes().Get(ctx, a.NodeName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("node %s: %w", a.NodeName, err)
	}
	cidr, found := PodCIDR(node)
	if !found {
		return fmt.Errorf("node %s has no pod CIDR: the controller manager gives one when it runs with a pod subnet",
			a.NodeName)
	}
	address, err := detect(node)
	if err != nil {
		return err
	}
	if err := EnsureObjects(ctx, a.Clients, os.Getenv, a.About); err != nil {
		return err
	}
	a.self = Node{Name: a.NodeName, Address: address, PodCIDR: cidr}
	return Annotate(ctx, a.Clients, a.self, a.About)
}

func detect(node *corev1.Node) (netip.Prefix, error) {
	if text := os.Getenv("IP"); text != "" && text != "autodetect" {
		address, err := netip.ParsePrefix(text)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("IP is %q: autodetect or an address with its mask is needed: %w", text, err)
		}
		return address, nil
	}
	interfaces, err := LocalInterfaces()
	if err != nil {
		return netip.Prefix{}, err
	}
	var internal netip.Addr
	for _, one := range node.Status.Addresses {
		if address, err := netip.ParseAddr(one.Address); err == nil && one.Type == corev1.NodeInternalIP && address.Is4() {
			internal = address
			break
		}
	}
	return DetectAddress(os.Getenv("IP_AUTODETECTION_METHOD"), interfaces, internal)
}

func (a *Agent) watch(ctx context.Context) error {
	core := informers.NewSharedInformerFactory(a.Clients.Core, 0)
	a.dynamic = dynamicinformer.NewDynamicSharedInformerFactory(a.Clients.Dynamic, 0)
	nudge := func() {
		select {
		case a.changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { nudge() },
		DeleteFunc: func(any) { nudge() },
		UpdateFunc: func(before, after any) {
			// The kubelet's heartbeats change nothing here.
			if old, is := before.(*corev1.Node); is {
				was, _ := ParseNode(old)
				if now, _ := ParseNode(after.(*corev1.Node)); was == now {
					return
				}
			}
			nudge()
		},
	}
	informers := []cache.SharedIndexInformer{
		core.Core().V1().Nodes().Informer(), a.dynamic.ForResource(Pools).Informer(),
		a.dynamic.ForResource(FelixConfigurations).Informer(),
	}
	for _, informer := range informers {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	a.nodes = core.Core().V1().Nodes().Lister()
	core.Start(ctx.Done())
	a.dynamic.Start(ctx.Done())
	core.WaitForCacheSync(ctx.Done())
	a.dynamic.WaitForCacheSync(ctx.Done())
	return nil
}

// turn makes the kernel follow the objects once.
func (a *Agent) turn(ctx context.Context) {
	nodes, err := a.follow(ctx)
	a.say(err)
	a.health.Report(nodes, err)
}

func (a *Agent) follow(ctx context.Context) (nodes int, err error) {
	felix, err := a.felix()
	if err != nil {
		return 0, err
	}
	a.servers.Follow(felix)
	all, err := a.nodes.List(labels.Everything())
	if err != nil {
		return 0, err
	}
	if err := a.known(ctx); err != nil {
		return len(all), err
	}
	var others []Node
	for _, node := range all {
		if parsed, ok := ParseNode(node); ok && node.Name != a.NodeName {
			others = append(others, parsed)
		}
	}
	pools, err := a.dynamic.ForResource(Pools).Lister().List(labels.Everything())
	if err != nil {
		return 0, err
	}
	var objects []unstructured.Unstructured
	for _, one := range pools {
		objects = append(objects, *one.(*unstructured.Unstructured))
	}
	fabric, problems := Plan(a.self, others, ParsePools(objects), felix)
	mtu, err := Apply(fabric)
	if err != nil {
		return len(all), err
	}
	if err := ApplyNAT(fabric); err != nil {
		return len(all), err
	}
	state := nodestate.State{NodeName: a.NodeName, PodCIDR: a.self.PodCIDR, MTU: mtu}
	if err := state.Write(nodestate.Folder); err != nil {
		return len(all), err
	}
	if !reflect.DeepEqual(a.last, fabric) {
		slog.Info("the fabric is as planned", "address", a.self.Address, "pods", a.self.PodCIDR, "vxlan", fabric.UseVXLAN,
			"mtu", mtu, "peers", len(fabric.Peers), "routes", len(fabric.Routes))
		a.last = fabric
	}
	for _, problem := range problems {
		err = errors.Join(err, errors.New(problem))
	}
	if err == nil && !a.up {
		if err = SetNetworkUnavailable(ctx, a.Clients, a.NodeName, false); err == nil {
			a.up = true
		}
	}
	return len(all), err
}

// known tells the node's address again when its object was made anew: the others know nobody without it.
func (a *Agent) known(ctx context.Context) error {
	node, err := a.nodes.Get(a.NodeName)
	if err != nil {
		return err
	}
	if told, ok := ParseNode(node); ok && told == a.self {
		return nil
	}
	a.up = false
	return a.start(ctx)
}

func (a *Agent) felix() (Felix, error) {
	specs := map[string]map[string]any{}
	lister := a.dynamic.ForResource(FelixConfigurations).Lister()
	for _, name := range []string{"node." + a.NodeName, "default"} {
		found, err := lister.Get(name)
		if err != nil {
			continue // not there: nothing set
		}
		specs[name], _ = found.(*unstructured.Unstructured).Object["spec"].(map[string]any)
	}
	return ResolveFelix(os.Environ(), specs["node."+a.NodeName], specs["default"])
}

// say logs a problem once, not with every turn.
func (a *Agent) say(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != a.lastText && text != "" {
		slog.Error("not ready", "problem", text)
	}
	a.lastText = text
}

func sleep(ctx context.Context, duration time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(duration):
		return true
	}
}
