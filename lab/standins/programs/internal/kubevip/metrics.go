package kubevip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"detectviz.infra/lab/standins/internal/notice"
)

// Metrics counts what happened, for Prometheus. No name of the original is used: its figures are another program's.
type Metrics struct {
	Leader        atomic.Bool
	Takeovers     atomic.Int64
	Announcements atomic.Int64
}

// ServeHTTP answers any path as the original's metrics server does: /metrics with figures, the rest with 200.
func (m *Metrics) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	if request.URL.Path != "/metrics" {
		fmt.Fprintln(answer, "OK")
		return
	}
	leader := 0
	if m.Leader.Load() {
		leader = 1
	}
	fmt.Fprint(answer, notice.Metric("kube-vip"))
	fmt.Fprintf(answer, "# TYPE lab_standin_vip_holder gauge\nlab_standin_vip_holder %d\n", leader)
	fmt.Fprintf(answer, "# TYPE lab_standin_vip_takeovers_total counter\nlab_standin_vip_takeovers_total %d\n",
		m.Takeovers.Load())
	fmt.Fprintf(answer, "# TYPE lab_standin_vip_announcements_total counter\nlab_standin_vip_announcements_total %d\n",
		m.Announcements.Load())
}

// Serve starts the metrics server and, if a port is given, the health check's. A port that is taken is told and not
// fatal, as with the original: the address matters more than its figures.
func (m *Metrics) Serve(ctx context.Context, config Config) {
	listen(ctx, config.MetricsAddress, m)
	if config.HealthPort != 0 {
		listen(ctx, net.JoinHostPort("", strconv.Itoa(config.HealthPort)), m)
	}
}

func listen(ctx context.Context, address string, handler http.Handler) {
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 2 * time.Second}
	go func() {
		if err := server.ListenAndServe(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			slog.Error("no HTTP server", "address", address, "error", err)
		}
	}()
	context.AfterFunc(ctx, func() { _ = server.Close() })
}
