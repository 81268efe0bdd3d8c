package keepalived

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/test/cpu"
)

// numberedLines are lines of a text and a number.
func numberedLines(text string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s%d\n", text, i)
	}
	return b.String()
}

// TestLimits checks that every file is read in a second and 200 MB, or rejected.
func TestLimits(t *testing.T) {
	const head = "vrrp_instance a {\n interface eth0\n virtual_router_id 1\n"
	long := strings.Repeat("x", 60<<10)
	for name, text := range map[string]string{
		"lines":        strings.Repeat("a\n", syntax.MaxText/2),
		"braces":       strings.Repeat("{", syntax.MaxText),
		"closed":       strings.Repeat("}", syntax.MaxText),
		"deep":         strings.Repeat("a {\n", 10000) + strings.Repeat("}\n", 10000),
		"deep inside":  head + strings.Repeat("a {\n", 10000) + strings.Repeat("}\n", 10001),
		"misspelt":     "vrrp_instance a {\n" + strings.Repeat("virtual_router_ids 1\n", 100000) + "}\n",
		"addresses":    head + "virtual_ipaddress {\n" + strings.Repeat("192.0.2.1 dev eth1\n", 60000) + "}\n}\n",
		"all tracked":  head + "track_interface {\n" + numberedLines("eth", 90000) + "}\n}\n",
		"all held":     head + "virtual_ipaddress_excluded {\n" + numberedLines("fe80::", 9000) + "}\n}\n",
		"grouped":      strings.Repeat("vrrp_instance a {}\n", 20000) + "vrrp_sync_group g {\n group {\n" + numberedLines("a", 90000) + "}\n}\n",
		"links":        "interface_up_down_delays {\n" + numberedLines("1 eth", 60000) + "}\n",
		"instances":    strings.Repeat(head+"}\n", 20000),
		"tracked":      head + "track_interface {\n" + strings.Repeat("eth1\n", 100000) + "}\n}\n",
		"quotes":       strings.Repeat(`"`, syntax.MaxText),
		"comments":     strings.Repeat(`\#`, 30<<10) + "\n",
		"many escapes": strings.Repeat(strings.Repeat(`\#`, 30<<10)+"\n", 60),
		"definitions":  "$A=" + long + "\n" + strings.Repeat("$A $A $A\n", 10000),
		"recursion":    "$A=$B $B\n$B=$A $A\n$A\n",
		"sequence":     "~SEQ(X, 1, 2000000000) a $X\n",
		"sequences":    "~SEQ(X, 1, 100000) ~SEQ(Y, 1, 100000) ~SEQ(Z, 1, 100000)\n",
		"list":         "~LST(A" + strings.Repeat(", 1", 20000) + ") a $A\n",
		"variables":    strings.Repeat(strings.Repeat("$A", 30<<10)+"\n", 60),
		"invalid":      strings.Repeat("\xff", 60<<10) + "\n",
		"unread":       "virtual_server 192.0.2.1 80 {\n" + strings.Repeat("real_server 192.0.2.2 80 {\n weight 1\n}\n", 100000) + "}\n",
		"words":        strings.Repeat(strings.Repeat("a ", 30<<10)+"\n", 60),
		"include":      strings.Repeat("include {a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}*\n", 2000),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := cpu.Used()
			tr := Translate("/etc/x.conf", []byte(text), Options{System: testSystem{files: map[string]string{}}})
			took := cpu.Used() - start
			runtime.ReadMemStats(&after)
			if took > 3*time.Second*slowdown { // one on an idle machine; here others share its caches
				t.Errorf("took %v", took)
			}
			if peak := (after.HeapSys - before.HeapIdle) >> 20; after.HeapInuse>>20 > 200 {
				t.Errorf("%d MiB in use (%d)", after.HeapInuse>>20, peak)
			}
			t.Logf("%v, %d MiB, %d notes, tree %t", took, after.HeapInuse>>20, len(tr.Notes), tr.Root != nil)
		})
	}
}
