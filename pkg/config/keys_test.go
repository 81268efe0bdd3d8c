package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ripcord/pkg/config/problem"
)

// supported and refused list all keys of docs/configuration.md, with the entry that contains them.
// Each key that the page names must be in one of the two.
var (
	supported = []string{
		"include",
		"log.level", "control.socket", "control.listen",
		"links.NAME.monitor", "links.NAME.confirm", "links.NAME.poll", "links.NAME.hint", "links.NAME.down_delay", "links.NAME.up_delay", "links.default.monitor", "links.default.confirm",
		"links.NAME.recovery.adverts", "links.NAME.recovery.wait", "links.default.recovery.wait",
		"instances[].name", "instances[].interface", "instances[].vrid", "instances[].family",
		"instances[].version", "instances[].priority", "instances[].interval", "instances[].miss",
		"instances[].preempt", "instances[].preempt_delay", "instances[].startup_delay", "instances[].filter",
		"instances[].addresses", "instances[].source", "instances[].unicast", "instances[].unicast.peers", "instances[].unicast.ttl", "instances[].unicast.min_ttl", "instances[].extra_addresses", "instances[].virtual_mac", "instances[].virtual_mac_adverts", "instances[].accept",
		"instances[].checksum", "instances[].auth.pass",
		"instances[].auth.hmac", "instances[].auth.hmac.keys", "instances[].auth.hmac.active", "instances[].auth.hmac.mode",
		"instances[].auth.hmac.replay", "instances[].auth.hmac.window",
		"instances[].auth.hmac.keys.1.hex", "instances[].auth.hmac.keys.1.keepalived_file", "instances[].auth.hmac.keys.1.file", "instances[].announce.count", "instances[].announce.again_after",
		"instances[].announce.refresh", "instances[].announce.spacing",
		"instances[].routes", "instances[].rules",
		"instances[].routes[].to", "instances[].routes[].via", "instances[].routes[].interface", "instances[].routes[].table",
		"instances[].routes[].metric", "instances[].routes[].source", "instances[].routes[].type", "instances[].routes[].scope",
		"instances[].rules[].from", "instances[].rules[].to", "instances[].rules[].iif", "instances[].rules[].fwmark",
		"instances[].rules[].table", "instances[].rules[].priority",
		"instances[].routes[].nexthops", "instances[].routes[].onlink", "instances[].routes[].tos", "instances[].routes[].preference", "instances[].routes[].metrics",
		"instances[].routes[].nexthops[].via", "instances[].routes[].nexthops[].interface", "instances[].routes[].nexthops[].weight", "instances[].routes[].nexthops[].onlink",
		"instances[].rules[].family", "instances[].rules[].not", "instances[].rules[].oif", "instances[].rules[].tos", "instances[].rules[].ipproto",
		"instances[].rules[].sport", "instances[].rules[].dport", "instances[].rules[].uidrange", "instances[].rules[].l3mdev",
		"instances[].rules[].suppress_prefixlength", "instances[].rules[].action", "instances[].rules[].goto",
		"static", "static.addresses", "static.routes", "static.rules",
		"defaults.priority", "defaults.announce.count",
		"groups[].name", "groups[].members",
		"checks", "notify", "fifo", "fifo_reader", "fifo_reader.command", "fifo_user", "fifo_group", "startup", "startup.command", "startup.timeout", "startup.user", "startup.group", "shutdown", "shutdown.command", "shutdown.timeout", "script_user", "script_group", "instances[].track[].reverse", "instances[].notify.user", "instances[].notify.group",
		"checks[].name", "checks[].interval", "checks[].timeout", "checks[].rise", "checks[].fall", "checks[].weight", "checks[].initial",
		"checks[].command", "checks[].user", "checks[].group",
		"checks[].process", "checks[].process.name", "checks[].process.match", "checks[].process.min", "checks[].process.max",
		"checks[].file", "checks[].file.path", "checks[].file.weight", "checks[].tcp", "checks[].tcp.address",
		"checks[].http", "checks[].http.url", "checks[].http.status", "checks[].http.contains", "checks[].http.insecure",
		"checks[].ping", "checks[].ping.address", "checks[].ping.interface", "checks[].ping.method",
		"instances[].track", "instances[].track_link", "instances[].track_source", "instances[].multicast",
		"instances[].track[].interface", "instances[].track[].check", "instances[].track[].weight",
		"instances[].notify", "instances[].notify.active", "instances[].notify.backup", "instances[].notify.fault", "instances[].notify.stop",
		"instances[].notify.any", "instances[].notify.timeout", "instances[].notify.active.command", "instances[].notify.active.user", "instances[].notify.active.group", "defaults.notify", "notify.any", "groups[].notify", "groups[].notify.any",
		"defaults.track", "groups[].track", "groups[].track[].check", "groups[].fault",
		"instances[].fence", "instances[].fence.command", "instances[].fence.timeout", "instances[].fence.on_failure",
		"defaults.fence", "groups[].fence", "groups[].fence.command", "groups[].last_standing", "instances[].routers",
		"instances[].probe", "instances[].probe.interval", "instances[].probe.miss",
	}
)

// with returns a file in which one key has no value.
func with(path string) (text, at string) {
	text = "null"
	steps := strings.Split(path, ".")
	for i := len(steps) - 1; i >= 0; i-- {
		key, isList := strings.CutSuffix(steps[i], "[]")
		if isList {
			text = "[" + text + "]"
		}
		text = fmt.Sprintf("{%s: %s}", key, text)
	}
	return text, strings.ReplaceAll(path, "[]", "[0]")
}

func TestEveryKeyOfTheManual(t *testing.T) {
	check := func(paths []string, want func(key string) string) {
		for _, path := range paths {
			text, at := with(path)
			_, err := Parse("x.yaml", []byte(text))
			var all problem.Problems
			if !errors.As(err, &all) {
				t.Errorf("%s: %v", text, err)
				continue
			}
			var got []string
			for _, p := range all {
				if p.Path == at {
					got = append(got, p.Message)
				}
			}
			if w := want(path[strings.LastIndex(path, ".")+1:]); len(got) != 1 || got[0] != w {
				t.Errorf("%s: problems %q, want %q", text, got, w)
			}
		}
	}
	check(supported, func(string) string { return "has no value" })
	check([]string{"zzz", "log.zzz", "instances[].zzz"}, func(string) string { return "unknown key" })
}

// TestManualNamesEveryKey checks that the lists above name each row of the tables.
func TestManualNamesEveryKey(t *testing.T) {
	listed := strings.Join(supported, "\n") + "\n"
	check := func(prefix string, names []string) {
		for _, n := range names {
			if !strings.Contains(listed, prefix+n+"\n") {
				t.Errorf("%s%s is in a table but not in the lists of this test", prefix, n)
			}
		}
	}
	check("log.", logKeys.Names())
	check("control.", controlKeys.Names())
	check("links.NAME.recovery.", recoveryKeys.Names())
	for _, n := range linkKeys.Names() {
		if n != "recovery" {
			check("links.NAME.", []string{n})
		}
	}
	for _, n := range documentKeys.Names() {
		if !slices.Contains([]string{"log", "control", "defaults", "links", "instances", "groups"}, n) {
			check("", []string{n})
		}
	}
	check("groups[].", groupKeys.Names())
	check("checks[].", checkKeys.Names())
	check("checks[].process.", processKeys.Names())
	check("checks[].file.", fileKeys.Names())
	check("checks[].tcp.", tcpKeys.Names())
	check("checks[].http.", httpKeys.Names())
	check("checks[].ping.", pingKeys.Names())
	check("instances[].track[].", trackKeys.Names())
	check("instances[].notify.", notifyKeys.Names())
	check("instances[].fence.", fenceKeys.Names())
	check("instances[].probe.", probeKeys.Names())
	check("instances[].announce.", announceKeys.Names())
	check("instances[].unicast.", unicastKeys.Names())
	check("instances[].auth.", authKeys.Names())
	check("instances[].auth.hmac.", hmacKeys.Names())
	check("instances[].auth.hmac.keys.1.", secretKeys.Names())
	check("instances[].routes[].", routeKeys.Names())
	check("instances[].rules[].", ruleKeys.Names())
	check("instances[].routes[].nexthops[].", hopKeys.Names())
	check("static.", staticKeys.Names())
	for _, n := range instanceKeys.Names() {
		if n != "announce" && n != "auth" {
			check("instances[].", []string{n})
		}
	}
}
