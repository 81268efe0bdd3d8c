package config

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/keepalived"
	"ripcord/pkg/wire"
)

// keepalivedFile writes files in keepalived's language and loads the first.
func keepalivedFile(t *testing.T, here Machine, texts ...string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		name := filepath.Join(dir, []string{"keepalived.conf", "one.inc", "two.inc"}[i])
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(filepath.Join(dir, "keepalived.conf"), Options{Here: here, ID: "alpha"})
}

// TestKeepalivedDefaults checks that keepalived's defaults apply where they differ from the YAML
// defaults.
func TestKeepalivedDefaults(t *testing.T) {
	_, err := keepalivedFile(t, nil, "vrrp_instance a b {\n}\nvrrp_instance \"the one\" {\n state MASTER\n interface eth0\n virtual_router_id 051\n"+
		" unicast_peer { 198.51.100.2 }\n authentication {\n auth_type PASS\n auth_pass 123456789\n }\n virtual_ipaddress {\n 192.0.2.100\n }\n}\n")
	if err == nil {
		t.Fatal("an instance without an interface is taken")
	}
	c, err := keepalivedFile(t, nil, "vrrp_instance \"the one\" {\n state MASTER\n interface eth0\n virtual_router_id 051\n"+
		" unicast_peer { 198.51.100.2 }\n authentication {\n auth_type PASS\n auth_pass 123456789\n }\n virtual_ipaddress {\n 192.0.2.100\n }\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	i := c.Groups[0].Members[0]
	if i.Name != "the one" || i.Version != wire.V2 || i.Priority != 255 || i.VRID != 51 || i.Interval != time.Second || i.Auth != wire.Password("12345678") ||
		i.Unicast.MinTTL != 1 || i.Unicast.TTL != 255 || c.Sets[0].Addresses[0].Prefix.Bits() != 32 || c.Format != Keepalived {
		t.Errorf("%+v\n%+v", i, c.Sets[0])
	}
}

// TestKeepalivedPlaces checks that each problem is placed in keepalived.conf or in the file it
// includes, whichever stage found it.
func TestKeepalivedPlaces(t *testing.T) {
	const instance = " interface eth0\n virtual_router_id 300\n virtual_ipaddress { 192.0.2.1/24 }\n"
	sound := strings.Replace(instance, "300", "51", 1)
	for _, c := range []struct {
		name  string
		texts []string
		want  []string
	}{
		{"the checks", []string{"vrrp_instance a {\n" + instance + "}\nvrrp_instance b {\n" + instance + "}\n"},
			[]string{
				"keepalived.conf:3:20: vrrp_instance a: virtual_router_id: 300 is not between 1 and 255",
				"keepalived.conf:8:20: vrrp_instance b: virtual_router_id: 300 is not between 1 and 255",
			}},
		{"the checks of two instances", []string{"vrrp_instance a {\n" + sound + "}\nvrrp_instance b {\n" + sound + "}\n"},
			[]string{"keepalived.conf:8:20: vrrp_instance b: virtual_router_id: 51 is the ipv4 VRID of vrrp_instance a on eth0 already"}},
		{"the translation", []string{"vrrp_instance a {\n interface eth0\n priority\n}\n"}, []string{"keepalived.conf:3:2: vrrp_instance a: priority has no value"}},
		{"an included file", []string{"vrrp_instance a {\n include *.inc\n}\n", instance},
			[]string{"one.inc:2:20: vrrp_instance a: virtual_router_id: 300 is not between 1 and 255"}},
		{"a file that includes itself", []string{"include one.inc\n", "\n\ninclude one.inc\n"}, []string{"one.inc:3:1: a file cannot include itself: "}},
		{"a brace", []string{"vrrp_instance a {\n include one.inc\n", "track_script {\n"}, []string{"keepalived.conf:1:1: the block of vrrp_instance a is opened here and never closed"}},
	} {
		_, err := keepalivedFile(t, nil, c.texts...)
		var all problem.Problems
		if !errors.As(err, &all) || len(all) != len(c.want) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for n, p := range all {
			p.File = filepath.Base(p.File)
			if !strings.HasPrefix(p.Summary(), c.want[n]) {
				t.Errorf("%s: %s\nwant %s", c.name, p.Summary(), c.want[n])
			}
		}
	}
}

// TestKeepalivedIncludes checks that included directories and programs are skipped, and that a file
// that cannot be read is an error.
func TestKeepalivedIncludes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "d", "old"), 0o755); err != nil {
		t.Fatal(err)
	}
	write("keepalived.conf", "include d/*\n", 0o600)
	write("d/a.conf", "vrrp_instance a {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress { 192.0.2.1/24 }\n}\n", 0o600)
	write("d/run.sh", "exit 1\n", 0o755)
	c, err := Load(filepath.Join(dir, "keepalived.conf"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	skipped := 0
	for _, w := range c.Warnings {
		if strings.Contains(w.Message, "is not included") {
			skipped++
		}
	}
	if skipped != 2 || len(c.Sets) != 1 {
		t.Errorf("%d are left out, %d instances", skipped, len(c.Sets))
	}
	if err := os.Symlink("/dev/null", filepath.Join(dir, "d", "z")); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(filepath.Join(dir, "keepalived.conf"), Options{}); err == nil || !strings.Contains(err.Error(), "cannot be included") {
		t.Errorf("a device is included: %v", err)
	}
}

// TestKeepalivedOwnPeers checks that one file can run on all routers: each leaves its own address
// out of the peers.
func TestKeepalivedOwnPeers(t *testing.T) {
	const text = "vrrp_instance a {\n interface eth0\n virtual_router_id 1\n unicast_peer {\n 198.51.100.1\n 198.51.100.2\n }\n virtual_ipaddress { 192.0.2.1/24 }\n}\n"
	c, err := keepalivedFile(t, Machine{"eth0": {netip.MustParseAddr("198.51.100.1")}}, text)
	if err != nil {
		t.Fatal(err)
	}
	if peers := c.Groups[0].Members[0].Unicast.Peers; len(peers) != 1 || peers[0].String() != "198.51.100.2" {
		t.Errorf("%v", peers)
	}
	c, err = keepalivedFile(t, Machine{"eth0": {netip.MustParseAddr("198.51.100.1")}}, strings.Replace(text, " 198.51.100.2\n", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	if peers := c.Groups[0].Members[0].Unicast.Peers; len(peers) != 1 || !strings.Contains(fmt.Sprint(c.Warnings), "no other peer") {
		t.Errorf("a router whose only peer is itself has the peers %v and warnings %v", peers, c.Warnings)
	}
}

// TestKeepalivedMutations checks that no damage to a file crashes the loader, that what it loads
// keeps the promises of docs/configuration.md, and that what it refuses has a reason.
func TestKeepalivedMutations(t *testing.T) {
	files, err := filepath.Glob("../keepalived/testdata/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no input: %v", err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	signs := []string{"{", "}", "\"", "\n", "#", "-1", "300", "lo", "fe80::1", "192.0.2.0/24", "default", "\xff", " ", "interface eth0\n", "weight -9\n", "priority 255\n", "vrrp_strict\n", "use_vmac\n"}
	for range 3 {
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for range 1 + random.IntN(3) {
				at := random.IntN(len(text) + 1)
				upto := min(at+random.IntN(8), len(text))
				text = slices.Concat(text[:at], []byte(signs[random.IntN(len(signs))]), text[upto:])
			}
			c, err := newLoader(&problem.Report{}, nil, Keepalived).translated(keepalived.Translate(file, text, keepalived.Options{ID: "alpha", WithoutLVS: true, Elsewhere: true, System: system{}}))
			var all problem.Problems
			switch {
			case err == nil:
				checkConfig(t, c)
			case !errors.As(err, &all) || len(all) == 0 || all[0].Line < 1 || all[0].Column < 1 || all[0].Message == "":
				t.Errorf("%s: refused with %v:\n%s", file, err, text)
			}
			if t.Failed() {
				t.Fatalf("%s:\n%s", file, text)
			}
		}
	}
}

// TestKeepalivedRefusal checks that all errors are reported at once: those of the translation,
// those of the checks after it, and the warnings of each class.
func TestKeepalivedRefusal(t *testing.T) {
	const text = "global_defs {\n smtp_server 127.0.0.1\n}\n" +
		"vrrp_instance bad {\n interface eth0\n virtual_ipaddress { 192.0.2.9/24 }\n use_ipvlan\n}\n" +
		"vrrp_instance worse {\n interface eth0\n virtual_router_id 300\n nopreemt\n virtual_ipaddress { 192.0.2.1/24 }\n}\n" +
		"vrrp_sync_group g {\n group { bad worse }\n}\n"
	_, err := keepalivedFile(t, nil, text)
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		t.Fatal(err)
	}
	list := func(all problem.Problems) (said []string) {
		for _, p := range all {
			said = append(said, fmt.Sprintf("%d %s %.30s", p.Line, p.Class, p.Message))
		}
		return said
	}
	if got, want := list(refusal.Problems), []string{"4  has no virtual_router_id", "11  300 is not between 1 and 255"}; !slices.Equal(got, want) {
		t.Errorf("problems %q", got)
	}
	if got, want := list(refusal.Warnings), []string{"2 not done smtp_server 127.0.0.1: ripcord", "7 differs use_ipvlan: ripcord creates no", "9  left at its default, 100", "12  nopreemt is not a keyword of v"}; !slices.Equal(got, want) {
		t.Errorf("warnings %q", got)
	}
}

// TestKeepalivedCollisions checks that an address or route in two blocks is a warning, since under
// keepalived the kernel refuses the second, and that instances of that language leave it out.
func TestKeepalivedCollisions(t *testing.T) {
	instance := func(n int, gateway string) string {
		return fmt.Sprintf("vrrp_instance VI_%d {\n interface eth0\n virtual_router_id %d\n virtual_ipaddress {\n 192.0.2.%d/24\n 192.0.2.9/24\n }\n virtual_routes {\n default via %s\n }\n}\n", n, n, n, gateway)
	}
	c, err := keepalivedFile(t, nil, instance(1, "192.0.2.254")+instance(2, "192.0.2.253")+"static_ipaddress {\n 192.0.2.1/24 dev eth0\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, w := range c.Warnings {
		said = append(said, w.Message)
	}
	for _, want := range []string{"only one of the two is installed at a time", "keeps it there all the time", "it is present while either is Active"} {
		if !strings.Contains(strings.Join(said, "\n"), want) {
			t.Errorf("no warning has %q: %q", want, said)
		}
	}
	held := c.Held()
	if len(held) != 3 || !held[0].Tolerant || !held[2].Static || c.Sets[0].Tolerant {
		t.Errorf("held: %+v", held)
	}
}

// TestKeepalivedKeywords checks that problems which only ripcord's own checks find name a value as
// keepalived.conf does.
func TestKeepalivedKeywords(t *testing.T) {
	for _, line := range []string{"unicast_peer { 0.0.0.0 }", "unicast_src_ip 224.0.0.1", "mcast_src_ip 192.0.2.1"} {
		_, err := keepalivedFile(t, nil, "vrrp_instance a {\n interface eth0\n virtual_router_id 1\n "+line+"\n virtual_ipaddress { 192.0.2.1/24 }\n}\n")
		keyword, _, _ := strings.Cut(line, " ")
		if problems, ok := errors.AsType[problem.Problems](err); !ok || len(problems) != 1 || problems[0].Path != "vrrp_instance a: "+keyword {
			t.Errorf("%s: %v", line, err)
		}
	}
}
