package telemetry

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// pairOf is what Prometheus has scraped from two routers, the Active a and the Backup b, both
// unchanged since the last scrape. Series that exist only at times (a fault) have no values.
type pairOf map[string]string // values by series, both as promtool writes them

func quietPair(t *testing.T) pairOf {
	t.Helper()
	p := pairOf{}
	for router, state := range map[string]event.State{"a": event.Active, "b": event.Backup} {
		source := pulled()
		inside := source.groups[0].Members[0]
		inside.State = state
		source.groups = []vrrp.GroupStatus{{State: state, Members: []vrrp.InstanceStatus{inside}}}
		m, _ := measured(source)
		for line := range strings.Lines(text(t, m)) {
			line = strings.TrimSpace(line)
			at := strings.LastIndexByte(line, ' ')
			if strings.HasPrefix(line, "#") || at < 0 {
				continue
			}
			values := line[at+1:] + "+0x180"
			if strings.HasPrefix(line, "ripcord_instance_fault{") || strings.HasPrefix(line, "ripcord_instance_warning{") || strings.HasPrefix(line, "ripcord_static_warning{") || strings.HasPrefix(line, "ripcord_machine_warning{") {
				values = "_x180" // as long as the test
			}
			if strings.HasPrefix(line, "ripcord_check_up{") {
				values = "1+0x180" // all checks pass
			}
			p[scraped(router, line[:at])] = values
		}
	}
	return p
}

var ourInstance = regexp.MustCompile(`\binstance="`)

// scraped is a series with the labels that Prometheus adds for a router.
func scraped(router, series string) string {
	name, labels, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
	if labels != "" {
		labels = "," + ourInstance.ReplaceAllString(labels, `exported_instance="`)
	}
	return name + "{" + scrapedFrom(router) + labels + "}"
}

// scrapedFrom returns the labels that Prometheus adds.
func scrapedFrom(router string) string { return fmt.Sprintf(`job="ripcord",instance=%q`, router) }

// set gives other values to the series of a router with this name and label; there must be some.
func (p pairOf) set(t *testing.T, c change) {
	t.Helper()
	found := false
	for series := range p {
		if strings.HasPrefix(series, c.metric) && strings.Contains(series, scrapedFrom(c.router)) && strings.Contains(series, c.label) {
			p[series], found = c.values, true
		}
	}
	if !found {
		t.Fatalf("no scrape of %s has a series %s with %s", c.router, c.metric, c.label)
	}
}

// change is a change of series of a router: a value every 10 s, the 61st at minute 10.
type change struct{ router, metric, label, values string }

// expectation is the expected state of an alert at an instant: inactive, or firing with these
// labels and its severity.
type expectation struct {
	at, summary string
	labels      map[string]string
}

// test returns a test of one alert for promtool.
func (p pairOf) test(of rule, expect ...expectation) map[string]any {
	var series, at []map[string]any
	for name, values := range p {
		if metric, _, _ := strings.Cut(name, "{"); strings.Contains(of.Expr, metric) { // anything else takes time
			series = append(series, map[string]any{"series": name, "values": values})
		}
	}
	for _, e := range expect {
		alerts := []map[string]any{}
		if e.summary != "" {
			labels := map[string]string{"severity": of.Labels["severity"]}
			maps.Copy(labels, e.labels)
			alerts = append(alerts, map[string]any{"exp_labels": labels, "exp_annotations": map[string]string{
				"summary": e.summary, "description": of.Annotations["description"],
			}})
		}
		at = append(at, map[string]any{"eval_time": e.at, "alertname": of.Alert, "exp_alerts": alerts})
	}
	return map[string]any{"interval": "10s", "input_series": series, "alert_rule_test": at}
}

// TestAlerts requires that each alert is silent on a quiet pair, with values that do not suffice,
// and at the last moment before it should fire; that it fires then, and that it shows the subject.
func TestAlerts(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is missing: run `test/setup`, which installs it")
	}
	type labels = map[string]string
	everyone := labels{"vrid": "51", "family": "ipv4", "interface": "eth0"}
	of := func(router string, more labels) labels {
		l := labels{"job": "ripcord", "instance": router}
		maps.Copy(l, more)
		return l
	}
	inside := func(router string, more labels) labels {
		maps.Copy(more, everyone)
		more["exported_instance"] = "inside"
		return of(router, more)
	}
	var tests []map[string]any
	tested := map[string]bool{}
	for _, c := range []struct {
		alert         string
		changes       []change
		silent, fires string
		labels        labels
		summary       string
		less          []change // does not suffice
	}{{
		alert:   "RipcordNobodyServes",
		changes: []change{{"a", "ripcord_instance_state", `state="active"`, "1+0x59 0+0x120"}},
		silent:  "10m", fires: "10m10s", labels: everyone,
		summary: "Nobody serves VRID 51 (ipv4) on eth0",
		less: []change{ // b takes over
			{"a", "ripcord_instance_state", `state="active"`, "1+0x59 0+0x120"},
			{"b", "ripcord_instance_state", `state="active"`, "0+0x59 1+0x120"},
		},
	}, {
		alert:   "RipcordTwoActive",
		changes: []change{{"b", "ripcord_instance_state", `state="active"`, "0+0x59 1+0x120"}},
		silent:  "10m20s", fires: "10m30s", labels: everyone,
		summary: "2 routers are active for VRID 51 (ipv4) on eth0",
	}, {
		alert:   "RipcordGone", // at minute 20
		changes: []change{{"b", "ripcord_", "", "1+0x119 stale"}},
		silent:  "20m50s", fires: "21m", labels: of("b", labels{"version": "0.1.0", "goversion": runtime.Version()}),
		summary: "ripcord on b does not answer scrapes, but did 15 minutes ago",
	}, {
		alert:   "RipcordFault",
		changes: []change{{"b", "ripcord_instance_fault{", "", "_x60 1+0x120"}},
		silent:  "10m50s", fires: "11m", labels: inside("b", labels{"source": "eth0", "reason": "interface-down"}),
		summary: "inside on b is in fault: interface-down of eth0",
	}, {
		alert:   "RipcordWarning",
		changes: []change{{"b", "ripcord_instance_warning{", "", "_x60 1+0x120"}},
		silent:  "10m50s", fires: "11m", labels: inside("b", labels{"subject": "eth0", "reason": "proxy-arp"}),
		summary: "inside on b does not work as configured: proxy-arp eth0",
	}, {
		alert:   "RipcordStaticWarning",
		changes: []change{{"b", "ripcord_static_warning{", "", "_x60 1+0x120"}},
		silent:  "10m50s", fires: "11m", labels: of("b", labels{"subject": "192.0.2.9/24 on eth9", "reason": "not-placed"}),
		summary: "b lacks 192.0.2.9/24 on eth9 of its `static` addresses, routes and rules",
	}, {
		alert:   "RipcordMachineWarning",
		changes: []change{{"b", "ripcord_machine_warning{", "", "_x60 1+0x120"}},
		silent:  "10m50s", fires: "11m", labels: of("b", labels{"subject": "links", "reason": "unanswered"}),
		summary: "ripcord on b warns about its machine: unanswered, links",
	}, {
		alert:   "RipcordCheckFails",
		changes: []change{{"b", "ripcord_check_up{", `check="web"`, "1+0x59 0+0x120"}},
		silent:  "10m50s", fires: "11m", labels: of("b", labels{"check": "web"}),
		summary: "The check web of b fails",
	}, {
		alert:   "RipcordNotifyFails",
		changes: []change{{"b", "ripcord_notify_runs_total", `result="killed"`, "0+0x59 2+0x120"}},
		silent:  "9m50s", fires: "10m", labels: labels{"instance": "b", "result": "killed"},
		summary: "2 notify commands of b ended killed within an hour",
		less:    []change{{"b", "ripcord_notify_runs_total", `result="done"`, "0+0x59 2+0x120"}},
	}, {
		alert:   "RipcordFlapping",
		changes: []change{{"a", "ripcord_instance_transitions_total", "", "1+0x59 9+0x120"}},
		silent:  "9m50s", fires: "10m", labels: inside("a", labels{}),
		summary: "inside on a changed its state 8 times within 10 minutes",
		less:    []change{{"a", "ripcord_instance_transitions_total", "", "1+0x59 6+0x120"}},
	}, {
		alert:   "RipcordProbeFalseAlarm",
		changes: []change{{"b", "ripcord_instance_probe_false_alarms_total", "", "0+0x59 1+0x120"}},
		silent:  "9m50s", fires: "10m", labels: inside("b", labels{}),
		summary: "inside on b declared a live Active dead",
		less:    []change{{"b", "ripcord_instance_probe_false_alarms_total", "", "1+0x180"}},
	}, {
		alert: "RipcordLate", // two of a hundred are between 0.1 s and 0.25 s late
		changes: []change{
			{"a", "ripcord_advert_lateness_seconds_bucket", "", "5+0x59 5+98x120"},
			{"a", "ripcord_advert_lateness_seconds_bucket", `le="0.25"`, "5+0x59 5+100x120"},
			{"a", "ripcord_advert_lateness_seconds_bucket", `le="1"`, "5+0x59 5+100x120"},
			{"a", "ripcord_advert_lateness_seconds_bucket", `le="+Inf"`, "5+0x59 5+100x120"},
		},
		silent: "15m", fires: "15m10s", labels: of("a", nil),
		summary: "1 % of the adverts of a are more than 175ms late",
		less: []change{ // they are between 50 ms and 0.1 s late
			{"a", "ripcord_advert_lateness_seconds_bucket", "", "5+0x59 5+98x120"},
			{"a", "ripcord_advert_lateness_seconds_bucket", `le="0.1"`, "5+0x59 5+100x120"},
			{"a", "ripcord_advert_lateness_seconds_bucket", `le="0.25"`, "5+0x59 5+100x120"},
			{"a", "ripcord_advert_lateness_seconds_bucket", `le="1"`, "5+0x59 5+100x120"},
			{"a", "ripcord_advert_lateness_seconds_bucket", `le="+Inf"`, "5+0x59 5+100x120"},
		},
	}, {
		alert:   "RipcordStalled",
		changes: []change{{"a", "ripcord_engine_stalls_total", "", "0+0x59 1+0x120"}},
		silent:  "9m50s", fires: "15m", labels: of("a", nil),
		summary: "ripcord on a was stopped for a while, or its main loop hung",
	}, {
		alert:   "RipcordStalled",
		changes: []change{{"a", "ripcord_engine_lease_losses_total", "", "0+0x59 1+0x120"}},
		silent:  "9m50s", fires: "15m", labels: of("a", nil),
		summary: "ripcord on a was stopped for a while, or its main loop hung",
	}, {
		alert:   "RipcordMisconfigured",
		changes: []change{{"b", "ripcord_instance_adverts_mismatched_total", `reason="interval-error"`, "4+0x59 4+1x120"}},
		silent:  "15m", fires: "15m10s", labels: inside("b", labels{"reason": "interval-error"}),
		summary: "inside on b: another router's configuration differs: interval-error",
		less:    []change{{"b", "ripcord_instance_adverts_mismatched_total", `reason="interval-error"`, "4+0x59 5+0x120"}}, // one advert
	}, {
		alert:   "RipcordLogIncomplete",
		changes: []change{{"b", "ripcord_log_lines_lost_total", "", "17+0x59 20+0x120"}},
		silent:  "9m50s", fires: "10m", labels: of("b", nil),
		summary: "3 lines of ripcord's log on b were lost",
	}} {
		tested[c.alert] = true
		r := readRule(t, c.alert)
		less, whole := quietPair(t), quietPair(t)
		for _, change := range c.less {
			less.set(t, change)
		}
		for _, change := range c.changes {
			whole.set(t, change)
		}
		tests = append(tests,
			less.test(r, expectation{at: c.silent}, expectation{at: c.fires}, expectation{at: "25m"}),
			whole.test(r, expectation{at: c.silent}, expectation{c.fires, c.summary, c.labels}))
	}
	promtool(t, tool, tests)
	for _, r := range readRules(t) {
		if !tested[r.Alert] {
			t.Errorf("no test makes %s fire", r.Alert)
		}
	}
}

func readRule(t *testing.T, alert string) rule {
	t.Helper()
	for _, r := range readRules(t) {
		if r.Alert == alert {
			return r
		}
	}
	t.Fatalf("there is no alert %s", alert)
	return rule{}
}

// promtool tests the rule file.
func promtool(t *testing.T, tool string, tests []map[string]any) {
	t.Helper()
	rules, err := filepath.Abs(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"rule_files": []string{rules}, "evaluation_interval": "10s", "tests": tests})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tests.yml") // JSON is YAML
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
