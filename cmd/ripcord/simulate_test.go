package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/simulate"
	"ripcord/test/golden"
)

// simulateDir makes the files that docs/simulate.md uses, and changes to their directory.
func simulateDir(t *testing.T) {
	t.Helper()
	left, err := os.ReadFile("../../docs/examples/firewalls.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"left.yaml":  string(left),
		"right.yaml": strings.ReplaceAll(string(left), "150", "100"),
		"bad.yaml":   "instances: []\n",
		"keepalived.conf": "vrrp_script web {\n script \"/usr/local/bin/web-answers\"\n weight -60\n}\nvrrp_instance lan {\n interface eth0\n" +
			" virtual_router_id 51\n version 3\n priority 120\n virtual_ipaddress {\n 192.0.2.1/24\n }\n track_script {\n web\n }\n}\n",
		"new.yaml": "checks: [{name: web, command: [/usr/local/bin/web-answers], weight: -60}]\n" +
			"instances:\n  - {name: lan, interface: ens3, vrid: 51, addresses: [192.0.2.1/24], priority: 100, track: [{check: web}]}\n",
		"other.yaml": "instances:\n  - {name: lan, interface: ens3, vrid: 61, addresses: [192.0.2.1/24], priority: 100}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

// simulated runs a command line with the little of a shell that it needs.
func simulated(line string) (stdout, stderr string, code int) {
	line, quiet := strings.CutSuffix(line, " > /dev/null")
	var args []string
	for _, m := range regexp.MustCompile(`'([^']*)'|\S+`).FindAllStringSubmatch(line, -1)[1:] {
		args = append(args, strings.Trim(m[0], "'"))
	}
	var out, complaints bytes.Buffer
	code = execute(context.Background(), args, &out, &complaints)
	if quiet {
		out.Reset()
	}
	return out.String(), complaints.String(), code
}

// TestSimulatePage runs the commands of docs/simulate.md and compares their output and the table of
// verbs with the page; -update rewrites them.
func TestSimulatePage(t *testing.T) {
	const path = "../../docs/simulate.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	simulateDir(t)
	commands := 0
	page := regexp.MustCompile("(?s)```console\n.*?```").ReplaceAllStringFunc(string(text), func(block string) string {
		var b strings.Builder
		b.WriteString("```console\n")
		for line := range strings.Lines(block) {
			command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ ")
			if !ok {
				continue
			}
			commands++
			stdout, stderr, _ := simulated(command)
			b.WriteString("$ " + command + "\n" + stdout + stderr)
		}
		return b.String() + "```"
	})
	if commands < 4 {
		t.Errorf("the page shows %d commands", commands)
	}
	var table strings.Builder
	table.WriteString("| verb | what it does |\n| --- | --- |\n")
	for _, v := range simulate.Verbs() {
		fmt.Fprintf(&table, "| `%s` | %s |\n", strings.ReplaceAll(v.Usage, "|", `\|`), v.Does)
	}
	page = regexp.MustCompile("(?s)(<!-- verbs[^\n]*-->\n).*?(<!-- end of verbs -->)").ReplaceAllStringFunc(page, func(part string) string {
		first, _, _ := strings.Cut(part, "\n")
		return first + "\n\n" + table.String() + "\n<!-- end of verbs -->"
	})
	golden.Check(t, absolute, page)
}

// TestSimulateCodes requires that the exit code reports whether the addresses were served, and
// whether the command line is right.
func TestSimulateCodes(t *testing.T) {
	simulateDir(t)
	for line, want := range map[string]struct {
		code   int
		stderr string
	}{
		"ripcord simulate left.yaml right.yaml":                                                            {exitDone, ""},
		"ripcord simulate left.yaml right.yaml --at '5s kill left'":                                        {exitDone, ""},
		"ripcord simulate left.yaml right.yaml --at '5s kill left' --max-outage 1s":                        {exitFailed, "longer than 1s"},
		"ripcord simulate left.yaml right.yaml --at '5s kill left' --max-outage 4s":                        {exitDone, ""},
		"ripcord simulate left.yaml right.yaml --at '5s partition eth0 left / right' --at '6s kill right'": {exitDone, ""},
		"ripcord simulate keepalived.conf new.yaml":                                                        {exitDone, ""},
		"ripcord simulate keepalived.conf new.yaml --segment lan=keepalived:eth0,new:ens3":                 {exitDone, ""},
		"ripcord simulate a=left.yaml b=right.yaml --at '5s unplug b eth0'":                                {exitDone, ""},
		"ripcord simulate left.yaml right.yaml --at '5s unplg left eth0'":                                  {exitUsage, "did you mean unplug?"},
		"ripcord simulate left.yaml right.yaml --at '90s kill left'":                                       {exitUsage, "increase --for"},
		"ripcord simulate left.yaml right.yaml --for 0s":                                                   {exitUsage, "--for 0s must be longer than 0s, and 10000h at most"},
		"ripcord simulate left.yaml right.yaml --explain --max-outage 4s":                                  {exitDone, ""},
		"ripcord simulate left.yaml right.yaml --explain --max-outage 1s":                                  {exitFailed, "left loses power"},
		"ripcord simulate left.yaml --explain --max-outage 1h":                                             {exitFailed, "no router served until the fault ended"},
		"ripcord simulate left.yaml --explain":                                                             {exitDone, ""},
		"ripcord simulate left.yaml right.yaml --explain --at '5s kill left'":                              {exitUsage, "chooses the faults itself"},
		"ripcord simulate left.yaml right.yaml --chaos --explain":                                          {exitUsage, "give one of them"},
		"ripcord simulate left.yaml right.yaml --max-outage -1s":                                           {exitUsage, "must not be negative"},
		"ripcord simulate left.yaml right=":                                                                {exitUsage, "has no file"},
		"ripcord simulate =left.yaml right.yaml":                                                           {exitUsage, "cannot name a router"},
		"ripcord simulate 'a b=left.yaml' right.yaml":                                                      {exitUsage, "cannot name a router"},
		"ripcord simulate left.yaml right.yaml --at '5s reload left bad.yaml'":                             {exitUsage, "bad.yaml:1:1: instances: needs at least one entry"},
		"ripcord simulate left.yaml right.yaml --chaos --hours 0":                                          {exitUsage, "--hours 0 must be more than 0, and 10000 at most"},
		"ripcord simulate left.yaml right.yaml --chaos --hours NaN":                                        {exitUsage, "--hours NaN must be more than 0, and 10000 at most"},
		"ripcord simulate left.yaml right.yaml --for 1000000h":                                             {exitUsage, "--for 1000000h0m0s must be longer than 0s, and 10000h at most"},
		"ripcord simulate left.yaml right.yaml --chaos --svg x.svg":                                        {exitUsage, "leave --at and --svg out"},
		"ripcord simulate left.yaml right.yaml --chaos --hours 4":                                          {exitDone, ""},
		"ripcord simulate left.yaml right.yaml --chaos --hours 4 --max-outage 100ms":                       {exitFailed, "no router served for"},
		"ripcord simulate left.yaml right.yaml --chaos --hours 4 --max-outage 90s":                         {exitDone, ""},
		"ripcord simulate new.yaml other.yaml --chaos --hours 4":                                           {exitFailed, "two Actives for 1m30s after: a cable out"},
		"ripcord simulate left.yaml right.yaml --hours 5":                                                  {exitUsage, "--hours needs --chaos"},
		"ripcord simulate left.yaml right.yaml --svg ''":                                                   {exitUsage, "--svg needs a file name"},
		"ripcord simulate left.yaml left.yaml":                                                             {exitUsage, "two routers are called left"},
		"ripcord simulate left.yaml right.yaml --segment lan":                                              {exitUsage, "write NAME="},
		"ripcord simulate left.yaml nix.yaml":                                                              {exitFailed, "nix.yaml"},
		"ripcord simulate":                                                                                 {exitUsage, "name the configuration files"},
		"ripcord simulate left.yaml right.yaml --svg /nonexistent/x.svg":                                   {exitFailed, "cannot write the picture"},
		"ripcord simulate left.yaml right.yaml --at '5s reload left nix.yaml'":                             {exitUsage, "nix.yaml"},
		"ripcord simulate left.yaml right.yaml --cold --for 10s --max-outage 1s":                           {exitFailed, "without a router"},
	} {
		if _, stderr, code := simulated(line); code != want.code || !strings.Contains(stderr, want.stderr) {
			t.Errorf("%s: exit code %d, %q; want %d, %q", line, code, stderr, want.code, want.stderr)
		}
	}
	stdout, _, _ := simulated("ripcord simulate left.yaml right.yaml --at '5s unplug left eth0' --json --svg x.svg")
	var r simulate.Result
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || len(r.Groups) != 2 || len(r.Services) != 2 || len(r.Services[0].Outages) != 1 {
		t.Errorf("%v: %s", err, stdout)
	}
	if picture, err := os.ReadFile("x.svg"); err != nil || !strings.Contains(string(picture), "</svg>") {
		t.Errorf("%v: %s", err, picture)
	}
}

// TestChaosCommands requires that each command that --chaos prints, pasted into a shell, reproduces
// the result above it.
func TestChaosCommands(t *testing.T) {
	simulateDir(t)
	if err := os.Rename("keepalived.conf", "the old one.conf"); err != nil {
		t.Fatal(err)
	}
	commands, random := 0, false
	for _, line := range []string{
		"ripcord simulate left.yaml right.yaml --chaos --hours 6 --seed 7",
		"ripcord simulate 'old=the old one.conf' new.yaml --segment lan=old:eth0,new:ens3 --cold --id x --chaos --hours 3 --seed 5",
	} {
		stdout, stderr, code := simulated(line)
		if code != exitDone {
			t.Fatalf("%s: exit code %d, %s", line, code, stderr)
		}
		for _, m := range regexp.MustCompile(`  (longest outage|two Actives): ([0-9.]+ m?s).*\n +(ripcord .*)`).FindAllStringSubmatch(stdout, -1) {
			commands++
			random = random || strings.Contains(m[3], " lose ")
			want := map[string]string{"longest outage": "Longest outage: " + m[2] + ",", "two Actives": "two Actives for " + m[2] + ","}[m[1]]
			if shown, stderr, _ := simulated(m[3]); !strings.Contains(shown, want) {
				t.Errorf("%s: %q is not shown: %s%s", m[3], want, shown[max(0, len(shown)-200):], stderr)
			}
		}
	}
	if commands < 20 || !random {
		t.Errorf("%d commands, with lost frames: %v: this proves nothing", commands, random)
	}
}

// TestSimulateIsInterrupted requires that a signal ends a simulation that would take minutes.
func TestSimulateIsInterrupted(t *testing.T) {
	simulateDir(t)
	for _, flags := range [][]string{{"--for", "9999h"}, {"--chaos", "--hours", "9999"}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(50*time.Millisecond, func() { cancel(errors.New("interrupt signal received")) })
		var out, errs bytes.Buffer
		code := execute(ctx, append([]string{"simulate", "left.yaml", "right.yaml"}, flags...), &out, &errs)
		if want := "ripcord: interrupted (interrupt signal received)\n"; code != exitFailed || errs.String() != want || out.Len() > 0 {
			t.Errorf("%v: exit code %d, %q, %q; want %q", flags, code, errs.String(), out.String(), want)
		}
	}
}
