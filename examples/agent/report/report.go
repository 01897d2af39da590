// Package report writes an agent's events as lines of JSON and exports metrics for Prometheus.
package report

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Kind is the kind of an event.
type Kind uint32

// Kinds of events, numbered as in enum kind in agent.bpf.c.
const (
	Process Kind = iota
	File
	Connection
	kinds
)

var names = [kinds]string{"process", "file", "connection"}

// Event is something that happened on the machine. Its slices are read, and not retained.
type Event struct {
	Kind       Kind
	PID, UID   uint32
	Comm, Path []byte         // up to the first zero byte
	Peer       netip.AddrPort // of a connection
}

// Report collects the events of one agent. Its methods are safe for concurrent use.
type Report struct {
	log      *slog.Logger // nil: no lines
	registry *prometheus.Registry
	events   [kinds]prometheus.Counter
}

// New returns a Report that writes lines to out, or no lines if out is nil.
func New(out io.Writer) *Report {
	r := &Report{registry: prometheus.NewRegistry()}
	if out != nil {
		r.log = slog.New(slog.NewJSONHandler(out, nil))
	}
	events := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "agent_events_total", Help: "Events that the agent has reported.",
	}, []string{"kind"})
	r.registry.MustRegister(events)
	for k, name := range names {
		r.events[k] = events.WithLabelValues(name)
	}
	return r
}

// Watch adds metrics of the agent's ring buffer: the number of events of each kind that were
// dropped for lack of room, and the bytes that wait to be read.
func (r *Report) Watch(dropped func(Kind) uint64, backlog func() int) {
	for k, name := range names {
		r.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "agent_dropped_total", Help: "Events dropped because the ring buffer was full.", ConstLabels: prometheus.Labels{"kind": name},
		}, func() float64 { return float64(dropped(Kind(k))) }))
	}
	r.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "agent_backlog_bytes", Help: "Bytes waiting in the ring buffer when the agent last read it.",
	}, func() float64 { return float64(backlog()) }))
}

// Event counts an event and writes its line.
func (r *Report) Event(e *Event) {
	if e.Kind >= kinds {
		return
	}
	r.events[e.Kind].Inc()
	if r.log == nil {
		return
	}
	attrs := []slog.Attr{
		slog.Uint64("pid", uint64(e.PID)), slog.Uint64("uid", uint64(e.UID)), slog.String("comm", text(e.Comm)),
	}
	if e.Kind == Connection {
		attrs = append(attrs, slog.String("peer", e.Peer.String()))
	} else {
		attrs = append(attrs, slog.String("path", text(e.Path)))
	}
	r.log.LogAttrs(context.Background(), slog.LevelInfo, names[e.Kind], attrs...)
}

func text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// Serve serves /metrics until the context is done.
func (r *Report) Serve(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{}))
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
