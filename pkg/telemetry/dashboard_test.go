package telemetry

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// dashboard is the part of a Grafana dashboard that the test checks.
type dashboard struct {
	Title  string
	Panels []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ H, W, X, Y int }
		Targets []struct{ Expr, LegendFormat string }
	}
}

var legendLabel = regexp.MustCompile(`\{\{([a-z_]+)\}\}`)

// TestDashboard requires that the dashboard names existing metrics, that its legends show labels of
// these, and that its panels do not overlap.
func TestDashboard(t *testing.T) {
	var d dashboard
	if err := json.Unmarshal([]byte(named(t, filepath.Join("..", "..", "deploy", "grafana", "ripcord.json"))), &d); err != nil {
		t.Fatal(err)
	}
	m, _ := measured(pulled())
	exposed := text(t, m)
	taken := map[[2]int]string{}
	for _, p := range d.Panels {
		if p.Title == "" || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d: %+v", p.ID, p)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := taken[at]; other != "" {
					t.Fatalf("%s overlaps %s", p.Title, other)
				}
				taken[at] = p.Title
			}
		}
		for _, target := range p.Targets {
			metrics := metricName.FindAllString(target.Expr, -1)
			if len(metrics) == 0 || strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") {
				t.Errorf("%s: %s names no metric, or its brackets are not paired", p.Title, target.Expr)
				continue
			}
			for _, used := range legendLabel.FindAllStringSubmatch(target.LegendFormat, -1) {
				label := shown(used[1])
				if label != "" && !regexp.MustCompile(`(?m)^`+metrics[0]+`\{[^}]*\b`+label+`="`).MatchString(exposed) {
					t.Errorf("%s shows the label %s, which %s does not have", p.Title, used[1], metrics[0])
				}
			}
		}
	}
	checkPromQL(t, d)
	if len(d.Panels) < 8 {
		t.Errorf("%d panels", len(d.Panels))
	}
}

// checkPromQL makes promtool parse the expressions that Grafana would send to Prometheus.
func checkPromQL(t *testing.T, d dashboard) {
	t.Helper()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("promtool is not installed: the expressions are not parsed")
		return
	}
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	grafana := strings.NewReplacer("$__rate_interval", "5m", "$router", ".*")
	for _, p := range d.Panels {
		for i, target := range p.Targets {
			fmt.Fprintf(&rules, "      - {record: 'panel:%d:%d', expr: %q}\n", p.ID, i, grafana.Replace(target.Expr))
		}
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
