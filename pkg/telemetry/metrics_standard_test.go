package telemetry

import (
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// TestStandardMetrics compares the metrics of Go's runtime and of the process with those of
// Prometheus' own library: names, types, and values as far as they stand still.
func TestStandardMetrics(t *testing.T) {
	m, _ := measured(pulled())
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	runtime.GC() // until then the runtime keeps some counts for each thread
	text := answer(t, m.Handler(), "")
	runtime.GC() // the answer has left garbage, which would count
	theirs, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	ours, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range theirs {
		name := f.GetName()
		if strings.HasPrefix(name, "process_network_") {
			continue // it counts the bytes of the whole network namespace
		}
		if ours[name].GetType() != f.GetType() || len(ours[name].GetMetric()) != 1 {
			t.Errorf("%s: got %v, want %v", name, ours[name], f)
			continue
		}
		if name == "process_start_time_seconds" { // measured starts at a fixed time
			continue
		}
		got, want := ours[name].GetMetric()[0], f.GetMetric()[0]
		for _, v := range [...][2]float64{
			{got.GetGauge().GetValue(), want.GetGauge().GetValue()}, {got.GetCounter().GetValue(), want.GetCounter().GetValue()},
			{float64(got.GetSummary().GetSampleCount()), float64(want.GetSummary().GetSampleCount())},
		} {
			if math.Abs(v[0]-v[1]) > max(v[0], v[1])*3/4+64 { // each measurement allocates, too
				t.Errorf("%s is %v, want about %v", name, v[0], v[1])
			}
		}
	}
}

// TestOpenFiles requires that each open file is counted.
func TestOpenFiles(t *testing.T) {
	m, _ := measured(pulled())
	before := answer(t, m.Handler(), "?name[]=process_open_fds")
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if after := answer(t, m.Handler(), "?name[]=process_open_fds"); after == before {
		t.Errorf("with one more file open it is still %s", after)
	}
}
