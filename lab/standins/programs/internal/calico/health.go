package calico

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"detectviz.infra/lab/standins/internal/notice"
)

// stuckAfter is how long the loop may be silent before the node is no longer live.
const stuckAfter = 3 * resyncEvery

// Health is what the loop last did, for probes and Prometheus.
type Health struct {
	guard   sync.Mutex
	alive   time.Time
	problem string
	nodes   int
}

// Report stores the outcome of one turn of the loop; a nil error is readiness.
func (h *Health) Report(nodes int, err error) {
	h.guard.Lock()
	defer h.guard.Unlock()
	h.alive, h.nodes, h.problem = time.Now(), nodes, ""
	if err != nil {
		h.problem = err.Error()
	}
}

func (h *Health) live() error {
	h.guard.Lock()
	defer h.guard.Unlock()
	if silent := time.Since(h.alive); silent > stuckAfter {
		return fmt.Errorf("the loop has been silent for %s", silent.Round(time.Second))
	}
	return nil
}

func (h *Health) ready() error {
	h.guard.Lock()
	defer h.guard.Unlock()
	if h.problem != "" {
		return errors.New(h.problem)
	}
	return nil
}

func (h *Health) probes() http.Handler {
	mux := http.NewServeMux()
	for path, check := range map[string]func() error{"/liveness": h.live, "/readiness": h.ready} {
		mux.HandleFunc(path, func(answer http.ResponseWriter, _ *http.Request) {
			if err := check(); err != nil {
				http.Error(answer, err.Error(), http.StatusServiceUnavailable)
			}
		})
	}
	return mux
}

// metrics: names that Felix has too, where the figure means the same here.
func (h *Health) metrics() http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		h.guard.Lock()
		nodes := h.nodes
		h.guard.Unlock()
		fmt.Fprint(answer, notice.Metric("calico-node"))
		fmt.Fprintf(answer, "# TYPE felix_cluster_num_hosts gauge\nfelix_cluster_num_hosts %d\n", nodes)
		fmt.Fprintf(answer, "# TYPE felix_active_local_endpoints gauge\nfelix_active_local_endpoints %d\n", localEndpoints())
	})
}

func localEndpoints() int {
	links, err := net.Interfaces()
	if err != nil {
		return 0
	}
	count := 0
	for _, link := range links {
		if strings.HasPrefix(link.Name, "cali") {
			count++
		}
	}
	return count
}

// Servers are the HTTP servers that Felix's settings ask for; they move when the settings change.
type Servers struct {
	Health  *Health
	running map[string]*server
}

type server struct {
	address string
	http    *http.Server
}

// Follow starts, stops and moves the servers.
func (s *Servers) Follow(felix Felix) {
	if s.running == nil {
		s.running = map[string]*server{}
	}
	s.place("health", felix.HealthEnabled, felix.HealthHost, felix.HealthPort, s.Health.probes())
	s.place("metrics", felix.MetricsEnabled, felix.MetricsHost, felix.MetricsPort, s.Health.metrics())
}

func (s *Servers) place(name string, wanted bool, host string, port int, handler http.Handler) {
	address := net.JoinHostPort(host, strconv.Itoa(port))
	if running := s.running[name]; running != nil {
		if wanted && running.address == address {
			return
		}
		_ = running.http.Close()
		delete(s.running, name)
	}
	if !wanted {
		return
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		slog.Error("no HTTP server", "for", name, "address", address, "error", err)
		return // tried again with the next turn of the loop
	}
	started := &server{address: address, http: &http.Server{Handler: handler, ReadHeaderTimeout: 2 * time.Second}}
	s.running[name] = started
	go func() { _ = started.http.Serve(listener) }()
}

// Probe asks the running calico-node, as its exec probes do: "liveness" or "readiness".
func Probe(ctx context.Context, what string) error {
	host, port := os.Getenv("FELIX_HEALTHHOST"), os.Getenv("FELIX_HEALTHPORT")
	if host == "" {
		host = "localhost"
	}
	if port == "" {
		port = "9099"
	}
	address := "http://" + net.JoinHostPort(host, port) + "/" + what
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 2000))
		return fmt.Errorf("%s: %d: %s", address, answer.StatusCode, strings.TrimSpace(string(text)))
	}
	return nil
}
