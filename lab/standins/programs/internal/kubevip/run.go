package kubevip

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"detectviz.infra/lab/standins/internal/notice"
)

// Run takes part in the election until the context ends or a lease that was held is lost.
//
// As in the original it returns after a loss, and the kubelet starts the container again. The order at the end is
// that of client-go with ReleaseOnCancel, which the original uses too: first the lease is given back, then the
// address goes. An API server that does not answer holds that up by at most one more renew deadline.
func Run(ctx context.Context, config Config, about notice.Notice) error {
	// A process that was killed could not clean up after itself.
	removed, err := RemoveAddress(config.Interface, config.Address.Addr())
	if err != nil {
		return err
	}
	if removed {
		slog.Warn("removed a stale address", "address", config.Address, "interface", config.Interface)
	}
	rest, err := RESTConfig(config)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return fmt.Errorf("client for %s: %w", rest.Host, err)
	}
	metrics := &Metrics{}
	metrics.Serve(ctx, config)
	holder := &holder{config: config, metrics: metrics}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Name: config.LeaseName, Namespace: config.LeaseNamespace},
			Labels:     map[string]string{notice.Annotation: about.Original},
			Client:     client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: config.NodeName},
		},
		ReleaseOnCancel: true,
		LeaseDuration:   config.LeaseDuration,
		RenewDeadline:   config.RenewDeadline,
		RetryPeriod:     config.RetryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: holder.hold,
			OnStoppedLeading: func() {},
			OnNewLeader:      func(identity string) { slog.Info("the lease has a holder", "holder", identity) },
		},
	})
	if err != nil {
		return fmt.Errorf("election: %w", err)
	}
	slog.Info("candidate", "node", config.NodeName, "lease", config.LeaseNamespace+"/"+config.LeaseName,
		"duration", config.LeaseDuration, "renew deadline", config.RenewDeadline, "retry", config.RetryPeriod)
	elector.Run(ctx)
	return holder.release()
}

// holder keeps the address while the lease is held.
type holder struct {
	config  Config
	metrics *Metrics
	// guard orders the adding in hold, which client-go runs on its own, before the removal in release.
	guard    sync.Mutex
	released bool
}

// hold adds the address, announces it at once and then again and again, until the lease is gone.
func (h *holder) hold(ctx context.Context) {
	slog.Info("lease taken", "address", h.config.Address, "interface", h.config.Interface)
	h.metrics.Takeovers.Add(1)
	h.metrics.Leader.Store(true)
	ticker := time.NewTicker(h.config.ARPInterval)
	defer ticker.Stop()
	for {
		h.assert()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// assert makes sure that the address is there and known: somebody else may have taken it from the interface.
func (h *holder) assert() {
	h.guard.Lock()
	defer h.guard.Unlock()
	if h.released {
		return
	}
	if err := AddAddress(h.config.Interface, h.config.Address); err != nil {
		slog.Error("the address is not held", "error", err)
		return
	}
	if err := Announce(h.config.Interface, h.config.Address.Addr()); err != nil {
		slog.Error("the address is not announced", "error", err)
		return
	}
	h.metrics.Announcements.Add(1)
}

func (h *holder) release() error {
	h.guard.Lock()
	defer h.guard.Unlock()
	h.released = true
	h.metrics.Leader.Store(false)
	removed, err := RemoveAddress(h.config.Interface, h.config.Address.Addr())
	if removed {
		slog.Info("address removed", "address", h.config.Address, "interface", h.config.Interface)
	}
	return err
}
