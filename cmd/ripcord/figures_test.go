package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"ripcord/test/golden"
)

// result is a row of test/bench/RESULTS.md.
type result struct{ number, figure, samples, ripcord, keepalived string }

// benchResults returns the rows of test/bench/RESULTS.md, and the version of keepalived in it.
func benchResults(t *testing.T) (rows []result, keepalived string) {
	t.Helper()
	text, err := os.ReadFile("../../test/bench/RESULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	counted := regexp.MustCompile(`^(.*) \(of (\d+)\)$`)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case len(cells) == 9:
			r := result{cells[1], cells[2], "", cells[3], cells[4]}
			if m := counted.FindStringSubmatch(r.figure); m != nil {
				r.figure, r.samples = m[1], m[2]
			}
			rows = append(rows, r)
		case len(cells) == 4 && cells[1] == "keepalived":
			keepalived = cells[2]
		}
	}
	return rows, keepalived
}

// readmeFigures lists the rows of the table in README.md: what is measured, with # for the number
// of samples, the figure of RESULTS.md, and that of `routers: 2`, if there is one.
var readmeFigures = []struct{ what, number, figure, two string }{
	{"the Active's cable is pulled on one of two segments: time until both are served again, median", "2", "cable of the Active pulled → both segments served, median", "the same, ripcord with routers: 2, median"},
	{"the same: outage seen by a client behind the routers, median", "11", "client's outage, cable pulled, median", "client's outage, cable pulled, ripcord with routers: 2, median"},
	{"the same while other links change: time until the resignation on the other segment, p99", "1", "the same, p99", ""},
	{"the Backup's cable is pulled while other links change: times in # that it became a second Active", "4", "Backup's cable pulled near other link events: false Actives", ""},
	{"the Active loses power: outage of a client after the last advert, median", "11", "client's outage, power lost, past the last advert, median", ""},
	{"the same with `probe` and `routers: 2`: outage of the client, median", "12", "power lost, probe: client's gap, median", ""},
	{"the Active's daemon is killed and started again, # times: changes of the Active", "14", "daemon killed and started again, 1s adverts: the advertising router changes", ""},
	{"1000 instances: time from the start until all are Active and announced, median", "8", "1000 instances: start → all Active with addresses and GARP sent, median", ""},
	{"1000 instances, 10,000 adverts per second: CPU time of the Active per second", "5", "CPU time of the Active per second", ""},
	{"the same: CPU time of the Backup per second", "5", "CPU time of the Backup per second", ""},
	{"the same: resident memory", "7", "resident memory", ""},
}

// TestReadmeFigures compares the table of figures in README.md with test/bench/RESULTS.md;
// -update writes it.
func TestReadmeFigures(t *testing.T) {
	rows, keepalived := benchResults(t)
	find := func(number, figure string) (r result) {
		for _, row := range rows {
			if row.number == number && row.figure == figure {
				return row
			}
		}
		t.Errorf("RESULTS.md has no figure %s, %q", number, figure)
		return r
	}
	var b strings.Builder
	b.WriteString("\n| | keepalived " + keepalived + " | ripcord | ripcord, `routers: 2` |\n| --- | ---: | ---: | ---: |\n")
	for _, f := range readmeFigures {
		row, two := find(f.number, f.figure), result{}
		if f.two != "" {
			two = find(f.number, f.two)
		}
		b.WriteString("| " + strings.ReplaceAll(f.what, "#", row.samples) + " | " + row.keepalived + " | " + row.ripcord + " | " + two.ripcord + " |\n")
	}
	golden.CheckPart(t, "../../README.md", "figures", b.String()+"\n")
}
