package telemetry

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

var (
	labelUsed = regexp.MustCompile(`\$labels\.([a-z_]+)`)
	alertName = regexp.MustCompile(`^Ripcord[A-Z][A-Za-z]+$`)
	lasting   = regexp.MustCompile(`^([0-9]+[sm])?$`)
)

// rule is an alert of a Prometheus rule file.
type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// rulesFile is the rule file of the distribution.
var rulesFile = filepath.Join("..", "..", "deploy", "prometheus", "ripcord.rules.yml")

// readRules reads the alerts of the rule file, which may name only existing metrics.
func readRules(t *testing.T) (all []rule) {
	t.Helper()
	var rules struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(named(t, rulesFile)), &rules, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// shown returns our label for one that an annotation shows: Prometheus adds job and instance, and
// renames ours of that name. "" is not one of ours.
func shown(label string) string {
	switch label {
	case "job", "instance":
		return ""
	case "exported_instance":
		return "instance"
	}
	return label
}

// TestRules requires that the alert rules have Prometheus' form, name existing metrics, and show
// labels of these.
func TestRules(t *testing.T) {
	m, _ := measured(pulled())
	exposed := text(t, m)
	seen := map[string]bool{}
	for _, r := range readRules(t) {
		if !alertName.MatchString(r.Alert) || seen[r.Alert] || !lasting.MatchString(r.For) {
			t.Errorf("alert %q, for %q: no name, a name given twice, or no duration", r.Alert, r.For)
		}
		seen[r.Alert] = true
		if s := r.Labels["severity"]; s != "warning" && s != "critical" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}
		metrics := metricName.FindAllString(r.Expr, -1)
		if len(metrics) == 0 || strings.Count(r.Expr, "(") != strings.Count(r.Expr, ")") {
			t.Errorf("%s: %s names no metric, or its brackets are not paired", r.Alert, r.Expr)
			continue
		}
		for _, note := range []string{"summary", "description"} {
			if r.Annotations[note] == "" {
				t.Errorf("%s has no %s", r.Alert, note)
			}
			for _, used := range labelUsed.FindAllStringSubmatch(r.Annotations[note], -1) {
				label := shown(used[1])
				if label != "" && !regexp.MustCompile(`(?m)^`+metrics[0]+`\{[^}]*\b`+label+`="`).MatchString(exposed) {
					t.Errorf("%s shows the label %s, which %s does not have", r.Alert, used[1], metrics[0])
				}
			}
		}
	}
	if len(seen) < 5 {
		t.Errorf("%d alerts", len(seen))
	}
}
