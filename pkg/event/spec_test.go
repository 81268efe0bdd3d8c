package event

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event/eventtest"
	"ripcord/test/golden"
	"ripcord/test/manpage"
)

// common are the fields of every line, which no event may have itself.
var common = []string{"ts", "level", "event", "msg", "trace", "elapsed_us"}

// samples has at least one event of each type, and one of each kind.
func samples() []Event {
	v := Virtual{Name: "inside", Group: "edge", Interface: "eth0", VRID: 51, Family: IPv4}
	lone := v
	lone.Group = ""
	source := netip.MustParseAddr("192.0.2.252")
	prefix := []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("192.0.2.2/24")}
	link := Link{Name: "eth0", Index: 2, AdminUp: true, OperState: OperDown}
	s := Stamp{Cause{1, epoch}, epoch}
	events := []Event{
		DaemonStatus{s, "document"}, ConfigLoaded{s, "ripcord.yaml", 2, 1}, ConfigRejected{s, "ripcord.yaml", []string{"7:5: no such key"}, false},
		ConfigRejected{s, "ripcord.yaml", []string{"router: context deadline exceeded"}, true},
		ControlPort{s, "192.0.2.11:9112", "in use"}, ControlPort{s, "192.0.2.11:9112", ""},
		LinkResync{s, "overrun", 3, 1}, LinkResync{s, "audit", 3, 0},
		LinkMonitored{s, "eth0", "netlink", "the driver notifies"}, LinkMonitored{s, "eth0", "none", "it has no means"},
		AdvertFilter{s, ""}, AdvertFilter{s, "operation not permitted"},
		LinkHints{s, "fentry", ""}, LinkHints{s, "", "operation not permitted"},
		LinkStretched{s, "eth0", 25 * time.Millisecond, "dear", false}, LinkStretched{s, "eth0", 10 * time.Millisecond, "cheap again", true},
		InstanceTransition{s, v, Active, Fault, InterfaceDown, 150, false},
		InstanceTransition{s, lone, Backup, Active, ActiveTimeout, 150, false},
		GroupTransition{s, "edge", Active, Fault, InterfaceDown, "inside"},
		GroupTransition{s, "edge", Initialize, Backup, Startup, ""},
		InstanceHolding{s, v, "group", epoch}, InstanceHolding{s, lone, "group", epoch}, InstanceHolding{s, lone, HoldVersion, epoch}, InstanceHolding{s, lone, HoldSkew, epoch}, InstanceHolding{s, lone, HoldInvalid, epoch},
		InstanceHolding{s, lone, HoldFence, time.Time{}}, InstanceHolding{s, v, HoldFenceFailed, epoch},
		FenceRan{s, "edge", "/usr/sbin/fence", source, "done", time.Second, "off", ""}, FenceRan{s, "edge", "/usr/sbin/fence", source, "failed", time.Second, "", "exit status 1"},
		ProbeDead{s, v, netip.MustParseAddr("192.0.2.11"), 99, 100, 17, 151 * time.Millisecond}, ProbeSuspended{s, lone, netip.MustParseAddr("192.0.2.11"), time.Unix(3600, 0), "it answers again"},
		ProbeDead{s, lone, netip.MustParseAddr("192.0.2.11"), 99, 100, 17, 151 * time.Millisecond}, ProbeSuspended{s, v, netip.MustParseAddr("192.0.2.11"), time.Unix(3600, 0), "it answers again"},
		ProbeFailed{s, "too many open files"},
		FenceUnproven{s, v, []string{"eth0"}, false}, FenceUnproven{s, lone, []string{"eth0"}, true},
		FenceRecalled{s, v, netip.MustParseAddr("192.0.2.2"), time.Second, time.Minute}, FenceRecalled{s, lone, netip.MustParseAddr("192.0.2.2"), time.Hour, time.Minute},
		InstanceTransition{s, lone, Backup, Active, FenceFailed, 150, false},
		CheckChanged{s, "web", "down", 0, time.Second, "refused", "exit status 1"}, CheckChanged{s, "load", "up", -5, time.Millisecond, "", ""},
		ReleasesUnread{s, "no such device"},
		NotifyRan{s, "inside", false, "MASTER", "/usr/local/bin/notify", NotifyDone, time.Millisecond, "", "", 0},
		NotifyRan{s, "edge", true, "FAULT", "/usr/local/bin/notify", NotifyFailed, time.Second, "refused", "exit status 1", 2},
		NotifyRan{s, "edge", true, "STOP", "/usr/local/bin/notify", NotifyKilled, time.Minute, "", "timed out after 1m0s", 0},
		NotifyRan{s, "edge", true, "STOP", "/usr/local/bin/notify", NotifyUnrun, 0, "", "/usr/local/bin/notify does not exist", 1},
		NotifyRefused{s, "/usr/local/bin/notify", "/usr/local/bin/notify does not exist"},
		NotifyUnfinished{s, "notify commands did not end in time: inside (STOP)", false}, NotifyUnfinished{s, "notify commands did not end in time: inside (STOP)", true},
		NotifyFIFO{s, "/run/ripcord/transitions", "it is full", 7}, NotifyFIFO{s, "/run/ripcord/transitions", "", 7},
		ProgramRan{s, "startup", "/usr/local/sbin/prepare", NotifyDone, time.Second, "", ""}, ProgramRan{s, "shutdown", "/usr/local/sbin/prepare", NotifyFailed, time.Second, "no", "exit status 1"},
		NotifyReader{s, "/usr/local/bin/read-fifo", time.Minute, "exit status 1", time.Second},
		ConfigReloaded{s, "ripcord.yaml", []string{"inside"}, nil, nil, nil, []string{"inside: priority 90 (was 100)"}}, ConfigReloaded{s, "ripcord.yaml", nil, nil, nil, []string{"control.socket takes a restart"}, nil},
		InstancePriority{Stamp: s, Group: "edge", From: 150, To: 90, Tracker: "web"}, InstancePriority{Stamp: s, Virtual: lone, From: 90, To: 150, Tracker: "eth2"},
		InstanceImpaired{s, v, []string{"198.51.100.1/24 on eth9 (there is no interface eth9)"}, 1}, InstanceImpaired{s, lone, nil, 150},
		InstanceFault{s, v, Deaf, "eth0 is not a member of 224.0.0.18", false}, InstanceFault{s, lone, Deaf, "", true},
		GroupCascade{s, "edge", "192.0.2.252", true, "both resigned"},
		GroupCascade{s, "edge", "192.0.2.252", false, "heard again"},
		AdvertRejected{s, "inside", "eth0", 51, source, "checksum-error", 7},
		AdvertRejected{s, "", "eth0", 9, source, "vrid-error", 1}, AdvertRejected{s, "inside", "eth0", 51, source, ownAddress, 1},
		AdvertSent{s, "inside", "first", time.Millisecond},
		AdvertFailed{s, "inside", "no buffer space", 2, false}, AdvertFailed{s, "inside", "no buffer space", 3, true},
		AdvertMismatch{s, "inside", source, "interval", "3s", "1s"},
		AdvertRival{s, v, source, 100, false, 0, false, false}, AdvertRival{s, lone, source, 100, true, 0, false, false},
		AdvertRival{s, lone, source, 100, false, 2, false, false}, AdvertRival{s, lone, source, 100, false, 0, true, false}, AdvertRival{s, lone, source, 100, false, 0, false, true},
		AuthSkew{s, "inside", source, 3 * time.Second, 5 * time.Second, false, false},
		AuthSkew{s, "inside", source, -time.Hour, 5 * time.Second, true, false}, AuthSkew{s, "inside", source, -time.Hour, 5 * time.Second, true, true},
		Warning{Stamp: s, Instance: "inside", Reason: WarnProxyARP, Subject: "eth0", Text: "two machines answer"},
		Warning{Stamp: s, Instance: "inside", Reason: WarnProxyARP, Text: "two machines answer", Over: true},
		EngineStalled{s, "inside", 4 * time.Second, "listening"},
		EngineLease{s, "inside", 4 * time.Second, "resigned"},
		EngineThread{s, Nice, "sched_setattr: operation not permitted"}, EngineThread{s, RealTime, ""},
		DaemonHung{s, "router", 15 * time.Second, true, false}, DaemonHung{s, "router", 15 * time.Second, false, false}, DaemonHung{s, "router", 15 * time.Second, true, true},
		GroupAdopted{s, "edge", []Virtual{v}, 150, 43 * time.Millisecond, false}, GroupAdopted{s, "edge", []Virtual{v}, 150, 43 * time.Millisecond, true},
		GroupUnadopted{s, "edge", "its configuration has changed", true},
		DaemonRecord{s, "it is truncated", true}, DaemonRecord{s, "no space left on device", false}, DaemonRecord{s, "", true}, DaemonCrashes{s, 5, 10 * time.Second, time.Second},
		DaemonLock{s, "read-only file system", true}, DaemonLock{s, "read-only file system", false},
		DaemonRights{s, "0", []string{"CAP_NET_ADMIN", "CAP_NET_RAW"}, ""}, DaemonRights{s, "0", nil, "seccomp: invalid argument"},
		RunnerReady{s, 4712, ""}, RunnerReady{s, 4712, "the configuration cannot be read"}, RunnerLost{s, "the process ripcord runner has ended", 2, time.Second}, RunnerUnkept{s, 4712}, RunnerUnkept{s, 0},
		DaemonMemory{s, "", ""}, DaemonMemory{s, "mlockall: operation not permitted", ""}, DaemonMemory{s, "", "madvise: input/output error"},
	}
	for _, kind := range []DaemonKind{DaemonReady, DaemonStopping, DaemonStopped, DaemonHandover} {
		events = append(events, Daemon{s, kind, "0.1.0", 42, 2, ""})
	}
	events = append(events, Daemon{s, DaemonStopped, "0.1.0", 42, 2, "addresses: could not remove 192.0.2.1/24"})
	down := []Vote{{Confirm, false, time.Time{}, epoch}}
	votes := map[LinkKind][]Vote{LinkUp: down, LinkDown: down, LinkFlapped: down}
	hints := map[LinkKind]time.Time{LinkUp: epoch, LinkDown: epoch, LinkFlapped: epoch}
	for _, kind := range []LinkKind{LinkUp, LinkDown, LinkFlapped, LinkAdded, LinkRemoved} {
		events = append(events, LinkChanged{s, kind, link, Confirm, "", votes[kind], hints[kind]}, LinkChanged{s, kind, link, Confirm, "", nil, time.Time{}})
	}
	events = append(events, LinkChanged{s, LinkRenamed, link, Notification, "eth9", nil, time.Time{}})
	link.Reason = "no cable"
	events = append(events, LinkChanged{s, LinkReason, link, Ethtool, "", nil, time.Time{}}, LinkChanged{s, LinkDown, link, Confirm, "", nil, time.Time{}})
	events = append(events, AddressConflict{s, "inside", source, [6]byte{2, 0, 0, 0, 0, 9}, "eth0", "two machines answer"})
	for _, kind := range []AddressKind{AddressMarked, AddressAdded, AddressRemoved, AddressRestored, AddressForeign} {
		events = append(events, AddressMoved{s, kind, "inside", prefix, time.Millisecond, 0, ""})
	}
	for _, kind := range []AddressKind{AddressRestored, AddressMarked} {
		events = append(events, AddressMoved{s, kind, "inside", prefix, time.Millisecond, 7, ""})
	}
	events = append(events, AddressMoved{s, AddressRemoved, "", prefix, time.Millisecond, 0, ""}, AddressMoved{s, AddressFailed, "", prefix, time.Millisecond, 0, "permission denied"})
	routes := []string{"default via 192.0.2.254 dev eth0", "rule 500: from 10.0.0.0/8 lookup 100"}
	for _, kind := range []RouteKind{RouteReplaced, RouteAdded, RouteRemoved, RouteRestored, RouteForeign} {
		events = append(events, RouteMoved{s, kind, "inside", routes, time.Millisecond, ""})
	}
	for _, instance := range []string{"inside", ""} {
		events = append(events, RouteMoved{s, RouteRemoved, instance, routes, time.Millisecond, ""}, RouteMoved{s, RouteFailed, instance, routes, time.Millisecond, "network is unreachable"})
	}
	mac := [6]byte{0, 0, 0x5e, 0, 1, 51}
	for _, kind := range []DeviceKind{DeviceAdded, DeviceAdopted, DeviceRemoved, DeviceReplaced} {
		events = append(events, DeviceMoved{s, kind, "inside", "vrrp.51", "eth0", mac, "", ""})
	}
	events = append(events, DeviceMoved{s, DeviceRemoved, "", "vrrp.9", "", mac, "", ""}, DeviceMoved{s, DeviceMended, "inside", "vrrp.51", "eth0", mac, "", "its alias"},
		DeviceMoved{s, DeviceFailed, "inside", "vrrp.51", "eth0", mac, "device or resource busy", ""}, DeviceMoved{s, DeviceFailed, "", "", "", [6]byte{}, "no buffer space", ""})
	return append(events, AddressMoved{s, AddressFailed, "inside", prefix, time.Millisecond, 0, "permission denied"})
}

// TestEventsAreThoseOfTheSchema checks that every event has the fields of its definition, and
// one of its levels.
func TestEventsAreThoseOfTheSchema(t *testing.T) {
	for _, e := range samples() {
		t.Run(e.Name(), func(t *testing.T) {
			d, ok := Lookup(e.Name())
			if !ok {
				t.Fatalf("%s is not in the schema", e.Name())
			}
			keys := map[string]bool{}
			for _, f := range e.Fields() {
				switch {
				case keys[f.Key]:
					t.Errorf("the event has the field %s twice", f.Key)
				case slices.Contains(common, f.Key):
					t.Errorf("field %s is common to every line", f.Key)
				case !slices.Contains(d.Fields, f.Key) && !slices.Contains(d.May, f.Key):
					t.Errorf("field %s is not in the definition", f.Key)
				case !loggable(f.Value):
					t.Errorf("field %s has a %T, which Field does not allow", f.Key, f.Value)
				}
				keys[f.Key] = true
			}
			for _, key := range d.Fields {
				if !keys[key] {
					t.Errorf("field %s is missing", key)
				}
			}
			if m := e.Message(); m == "" || strings.Contains(m, "%!") || strings.Contains(m, "  ") || strings.HasPrefix(m, ":") {
				t.Errorf("message %q", m)
			}
			if !slices.Contains(d.Levels, e.Level()) {
				t.Errorf("level %v is none of %v", e.Level(), d.Levels)
			}
			if e.When().Cause.Trace != 1 {
				t.Errorf("stamp %v", e.When())
			}
		})
	}
}

// TestSchema checks that each definition has an event, a text and known fields, and is unique.
func TestSchema(t *testing.T) {
	made := map[string]bool{}
	for _, e := range samples() {
		made[e.Name()] = true
	}
	used, seen := map[string]bool{}, map[string]bool{}
	for _, d := range Schema {
		if seen[d.Name] || !made[d.Name] || !strings.HasSuffix(d.About, ".") || len(d.Levels) == 0 {
			t.Errorf("%s: duplicate %v, has an event %v, about %q, levels %v", d.Name, seen[d.Name], made[d.Name], d.About, d.Levels)
		}
		seen[d.Name] = true
		for _, f := range slices.Concat(d.Fields, d.May) {
			used[f] = true
			if FieldMeanings[f] == "" {
				t.Errorf("%s: the field %s has no meaning", d.Name, f)
			}
		}
	}
	for f := range FieldMeanings {
		if !used[f] {
			t.Errorf("no event has the field %s", f)
		}
	}
}

// logLost is the one event that is not in the schema: the daemon does not publish it, it stands for
// lines that are lost.
var logLost = Definition{"log.lost", 0, onlyWarn, []string{"count", "reason"}, nil, "Lines before this one are missing."}

// levelsAndFields returns the levels of an event and its fields, in Markdown.
func (d Definition) levelsAndFields() (levels, fields string) {
	names := make([]string, len(d.Levels))
	for i, l := range d.Levels {
		names[i] = l.String()
	}
	fields = "`" + strings.Join(d.Fields, "`, `") + "`"
	if len(d.May) > 0 {
		fields += "; sometimes `" + strings.Join(d.May, "`, `") + "`"
	}
	return strings.Join(names, ", "), fields
}

// TestEventsPage compares the tables in docs/events.md with the schema; -update writes them.
func TestEventsPage(t *testing.T) {
	listed := 0
	var b strings.Builder
	for _, part := range []struct {
		title    string
		subjects []string // the first words of the names
	}{
		{"Links", []string{"link"}},
		{"Instances and groups", []string{"instance", "group"}},
		{"Adverts", []string{"advert", "auth", "engine"}},
		{"Addresses, routes and virtual MACs", []string{"address", "route", "device"}},
		{"Checks, commands and probes", []string{"check", "notify", "program", "fence", "runner", "probe"}},
		{"The daemon", []string{"daemon", "config", "control", "log"}},
	} {
		fmt.Fprintf(&b, "\n### %s\n\n| event | level | what happened | fields |\n| --- | --- | --- | --- |\n", part.title)
		for _, d := range append(slices.Clone(Schema), logLost) {
			if subject, _, _ := strings.Cut(d.Name, "."); slices.Contains(part.subjects, subject) {
				levels, fields := d.levelsAndFields()
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, levels, d.About, fields)
				listed++
			}
		}
	}
	if listed != len(Schema)+1 {
		t.Errorf("the page lists %d events of %d", listed, len(Schema)+1)
	}
	b.WriteString("\n## Fields\n\n| field | meaning |\n| --- | --- |\n")
	for _, f := range slices.Sorted(maps.Keys(FieldMeanings)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f, FieldMeanings[f])
	}
	golden.CheckPart(t, "../../docs/events.md", "events", b.String()+"\n")
}

// TestManualPage compares deploy/man/ripcord-events.7 with the schema and the text of
// docs/events.md; -update writes it.
func TestManualPage(t *testing.T) {
	p := manpage.New("ripcord-events", 7, "the events in the log of ripcord", "go test ./pkg/event -run TestManualPage -update")
	p.Section("Description")
	head, _, _ := strings.Cut(eventsPage(t), "## Events")
	p.Text(strings.TrimPrefix(head, "# Events in the log\n"))
	p.Section("Events")
	for _, d := range append(slices.Clone(Schema), logLost) {
		levels, fields := d.levelsAndFields()
		p.Item("`"+d.Name+"` ("+levels+")", d.About, "Fields: "+fields+".")
	}
	p.Section("Fields")
	for _, f := range slices.Sorted(maps.Keys(FieldMeanings)) {
		p.Item("`"+f+"`", FieldMeanings[f])
	}
	p.Section("See also")
	p.Text("`ripcord`(8), `ripcord.yaml`(5)")
	golden.Check(t, "../../deploy/man/ripcord-events.7", p.String())
}

// eventsPage returns the page of the events.
func eventsPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// loggable reports whether Field allows the value.
func loggable(v any) bool {
	if v == nil {
		return true
	}
	if _, ok := v.(time.Time); ok {
		return true
	}
	if _, ok := v.(map[string]any); ok {
		return true // a document
	}
	typ := reflect.TypeOf(v)
	if typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	switch kind := typ.Kind(); {
	case kind == reflect.Bool, kind == reflect.String, kind >= reflect.Int && kind <= reflect.Float64:
		return typ.PkgPath() == "" // a type of ripcord would have its own encoding
	}
	return false
}

// TestOneCount checks that an event that is limited in the log, and has a count there, has no
// count of its own.
func TestOneCount(t *testing.T) {
	for _, e := range samples() {
		if _, burst := Limit(e); burst == 0 {
			continue
		}
		for _, f := range e.Fields() {
			if f.Key == "count" {
				t.Errorf("%s has a count of its own, and another one in the log", e.Name())
			}
		}
	}
}

// TestSubject checks that values that another router chooses make no new subject, and that a
// different level, instance or reason does.
func TestSubject(t *testing.T) {
	v := Virtual{Name: "inside", Interface: "eth0", VRID: 51, Family: IPv4}
	rival := func(last byte, unheard bool) Event {
		return AdvertRival{Virtual: v, Source: netip.AddrFrom4([4]byte{192, 0, 2, last}), Priority: last, Unheard: unheard}
	}
	same, _ := Limit(rival(1, false))
	if other, _ := Limit(rival(2, false)); other != same {
		t.Errorf("%v and %v", same, other)
	}
	if other, _ := Limit(rival(1, true)); other == same {
		t.Errorf("an error is hidden by warnings: %v", same)
	}
	begins, _ := Limit(InstanceFault{Virtual: v, Reason: Deaf})
	if ends, _ := Limit(InstanceFault{Virtual: v, Reason: Deaf, Over: true}); ends == begins {
		t.Errorf("the end of a fault is hidden by its begin: %v", ends)
	}
	if other, _ := Limit(InstanceFault{Virtual: v, Reason: MACConflict}); other == begins {
		t.Errorf("a fault is hidden by another: %v", other)
	}
}

func TestSamplesAreComplete(t *testing.T) { eventtest.Complete(t, ".", samples()) }

// TestAbsentFieldsAreLeftOut checks that an instance outside any group has no field group, and
// that a transition without a causing member has no field cause.
func TestAbsentFieldsAreLeftOut(t *testing.T) {
	v := Virtual{Name: "inside", Interface: "eth0", VRID: 51, Family: IPv4}
	in := v
	in.Group = "edge"
	for _, tt := range []struct {
		event Event
		key   string
		want  bool
	}{
		{InstanceTransition{Virtual: v}, "group", false},
		{InstanceTransition{Virtual: in}, "group", true},
		{GroupTransition{Group: "edge"}, "cause", false},
		{GroupTransition{Group: "edge", Member: "inside"}, "cause", true},
	} {
		has := slices.ContainsFunc(tt.event.Fields(), func(f Field) bool { return f.Key == tt.key })
		if has != tt.want {
			t.Errorf("%+v: has the field %s: %v", tt.event, tt.key, has)
		}
	}
}

// TestWords pins the words of the log and the API.
func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		Initialize.String(): "initialize", Backup.String(): "backup", Active.String(): "active", Fault.String(): "fault",
		Debug.String(): "debug", Info.String(): "info", Warn.String(): "warn", Error.String(): "error",
		IPv4.String(): "ipv4", IPv6.String(): "ipv6", Family(0).String(): "unknown",
		OperUp.String(): "up", OperLowerLayerDown.String(): "lowerlayerdown", OperState(9).String(): "unknown",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestTrouble checks that Trouble returns the first problem of a link.
func TestTrouble(t *testing.T) {
	l := Link{}
	for _, s := range []struct {
		want string
		mend func()
	}{
		{"there is no such interface", func() { l.Index = 2 }},
		{"administratively down", func() { l.AdminUp = true }},
		{"no carrier", func() { l.Carrier = true; l.OperState = OperDormant }},
		{"operstate dormant", func() { l.OperState = OperUp }},
		{"its parent is down", func() { l.Reason = "no cable" }},
		{"its parent is down (no cable)", func() { l.Carrier = false }},
		{"no carrier (no cable)", func() { l.AdminUp = false }},
		{"administratively down", func() {}},
	} {
		if got := l.Trouble(); got != s.want {
			t.Errorf("%q, want %q", got, s.want)
		}
		s.mend()
	}
}
