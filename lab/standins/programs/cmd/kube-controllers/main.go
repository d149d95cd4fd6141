// Command kube-controllers stands in for Calico's controllers in the lab: see --help.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"detectviz.infra/lab/standins/internal/calico"
	"detectviz.infra/lab/standins/internal/notice"
)

var about = notice.Notice{
	Original: "Calico's kube-controllers",
	Does: []string{
		"lists the nodes every 30 seconds and is ready while the API server answers", "check-status asks it on port 9094",
	},
	DoesNot: []string{
		"garbage collection of addresses and nodes", "policy, namespace, service account and load balancer controllers",
		"KubeControllersConfiguration", "the original's metrics",
	},
}

const (
	every   = 30 * time.Second
	timeout = 10 * time.Second
	address = ":9094"
)

func main() {
	if notice.AskedForHelp(os.Args[1:]) {
		fmt.Print(about.Help())
		return
	}
	slog.Warn(about.Short(), "version", notice.Version())
	if err := work(); err != nil {
		slog.Error("stopped", "error", err)
		os.Exit(1)
	}
}

func work() error {
	clients, err := calico.Connect()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var problem atomic.Value
	problem.Store("the API server has not answered yet")
	server := &http.Server{Addr: address, ReadHeaderTimeout: 2 * time.Second, Handler: http.HandlerFunc(
		func(answer http.ResponseWriter, _ *http.Request) {
			if text := problem.Load().(string); text != "" {
				http.Error(answer, text, http.StatusServiceUnavailable)
			}
		})}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() {
		for ctx.Err() == nil {
			problem.Store(look(ctx, clients))
			wait := every
			if problem.Load() != "" {
				wait = timeout / 5
			}
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		}
	}()
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}

func look(ctx context.Context, clients calico.Clients) string {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	if _, err := clients.Core.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 500}); err != nil {
		slog.Error("nodes", "error", err)
		return err.Error()
	}
	return ""
}
