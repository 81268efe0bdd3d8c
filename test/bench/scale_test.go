package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// grown is what a number of instances costs.
type grown struct {
	instances      int
	active, backup cost
}

// perInstance are the figures that must not rise: µs of CPU a second and KiB,
// of both routers together.
func (g grown) perInstance() (cpu, memory float64) {
	n := float64(2 * g.instances)
	return 1e6 * (g.active.cpu + g.backup.cpu) / n, 1024 * (g.active.resident + g.backup.resident) / n
}

// How the cost of ripcord grows with the number of its instances.
func TestScale(t *testing.T) {
	figures(t)
	var list []grown
	for _, count := range now.scale {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			s := newSite(t, makers[0], 16, "a", "b")
			a, b := s.crowd(count, time.Second, false)
			s.deaf()
			time.Sleep(now.settle)
			costs := costOf(now.scaleWatch, a, b)
			list = append(list, grown{count, costs[0], costs[1]})
		})
	}
	if t.Failed() {
		return
	}
	plot := ""
	if *output != "" {
		path := filepath.Join(filepath.Dir(*output), "scale.svg")
		if err := os.WriteFile(path, []byte(svg(list)), 0o644); err != nil {
			t.Error(err)
		}
		plot = "![CPU time and memory per instance](scale.svg)\n"
	}
	report.mu.Lock()
	defer report.mu.Unlock()
	report.alone = scaleText(list) + plot
}

// scaleText is the part of the results about ripcord alone.
func scaleText(list []grown) string {
	var b strings.Builder
	fmt.Fprintf(&b, `
## ripcord alone, from few instances to many

Two routers on 16 links, 1 s adverts, one address per instance. The figures are CPU time, user and system, per
second, over %v in a steady state, and VmRSS at the end. The last two columns are the average of Active and Backup per
instance: they must not rise.

| instances | CPU of the Active | CPU of the Backup | memory of the Active | memory of the Backup | CPU per instance | memory per instance |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
`, now.scaleWatch)
	for _, g := range list {
		cpu, memory := g.perInstance()
		fmt.Fprintf(&b, "| %d | %.1f ms | %.1f ms | %.1f MiB | %.1f MiB | %.1f µs | %.1f KiB |\n", g.instances,
			1000*g.active.cpu, 1000*g.backup.cpu, g.active.resident, g.backup.resident, cpu, memory)
	}
	fmt.Fprintf(&b, "\n%s\n\n", comparison(list))
	return b.String()
}

// comparison lists where the cost of an instance rises by more than a tenth.
func comparison(list []grown) string {
	var rises []string
	for i := 1; i < len(list); i++ {
		cpu0, memory0 := list[i-1].perInstance()
		cpu, memory := list[i].perInstance()
		if cpu > 1.1*cpu0 {
			rises = append(rises, fmt.Sprintf("CPU from %d to %d instances by %.0f %%", list[i-1].instances, list[i].instances, 100*(cpu/cpu0-1)))
		}
		if memory > 1.1*memory0 {
			rises = append(rises, fmt.Sprintf("memory from %d to %d instances by %.0f %%", list[i-1].instances, list[i].instances, 100*(memory/memory0-1)))
		}
	}
	if len(rises) == 0 {
		return "Flat: the cost per instance nowhere rises by more than a tenth."
	}
	return "*Not flat:* the cost per instance rises: " + strings.Join(rises, ", ") + "."
}

func TestComparison(t *testing.T) {
	flat := []grown{{instances: 10, active: cost{0.001, 20}}, {instances: 100, active: cost{0.01, 30}}}
	if got := comparison(flat); !strings.HasPrefix(got, "Flat") {
		t.Errorf("a constant cost gives %q", got)
	}
	if got := comparison(append(flat, grown{instances: 200, active: cost{0.04, 80}})); !strings.Contains(got, "CPU from 100 to 200 instances by 100 %") || !strings.Contains(got, "memory") {
		t.Errorf("a rising cost gives %q", got)
	}
}
