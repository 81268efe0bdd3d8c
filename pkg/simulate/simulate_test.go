package simulate

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/config"
	"ripcord/pkg/event"
	"ripcord/pkg/sim"
	"ripcord/test/golden"
)

// load reads a configuration that was written for another machine.
func load(t *testing.T, path string) *config.Config {
	t.Helper()
	c, err := config.Load(path, config.Options{Elsewhere: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// routers returns a router for each file in testdata, given as NAME=FILE or FILE.
func routers(t *testing.T, files ...string) (all []Router) {
	t.Helper()
	for _, f := range files {
		name, path, ok := strings.Cut(f, "=")
		if !ok {
			name, path = strings.TrimSuffix(f, ".yaml"), f
		}
		all = append(all, Router{name, load(t, filepath.Join("testdata", path))})
	}
	return all
}

// textual returns a router with the given text as its configuration.
func textual(t *testing.T, name, text string) Router {
	t.Helper()
	c, err := config.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return Router{name, c}
}

func newLAN(t *testing.T, o Options) *LAN {
	t.Helper()
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// acts parses lines of --at.
func acts(t *testing.T, l *LAN, lines ...string) (all []Act) {
	t.Helper()
	for _, line := range lines {
		a, err := l.Act(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// played plays acts to the end.
func played(t *testing.T, l *LAN, acts []Act, long time.Duration) *Result {
	t.Helper()
	r, err := l.Play(acts, long)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTimesAreOfTheRun checks that a time in an event is written as the time since the start of
// the run.
func TestTimesAreOfTheRun(t *testing.T) {
	w := sim.NewWorld(1)
	r := &record{world: w, zero: w.Now()}
	r.event("left", event.ProbeSuspended{Until: r.zero.Add(3600 * time.Second)})
	if l := r.log[0]; !strings.Contains(l.Message, "until 3600.000 s;") || l.Fields["until"] != Nanos(3600*time.Second) {
		t.Errorf("%q, fields %v", l.Message, l.Fields)
	}
}

// TestPictures compares the text, the SVG and the JSON of some results with golden files; -update
// writes the files.
func TestPictures(t *testing.T) {
	for _, c := range []struct {
		name     string
		files    []string
		segments []string
		lines    []string
	}{
		{"cable", []string{"left.yaml", "right.yaml"}, nil, []string{"5s unplug left eth0", "20s plug left eth0", "40s kill left", "50s start left"}},
		{"mixed", []string{"old=old.keepalived.conf", "new.yaml"}, []string{"lan=old:eth0,new:ens3"},
			[]string{"5s check old web fails", "25s check web passes", "40s partition lan old / new", "50s heal lan"}},
		{"three", []string{"r1.yaml", "r2.yaml", "r3.yaml"}, nil, []string{"5s stop r1", "15s pause r2 5s", "30s start r1", "40s down r1 eth0", "50s up r1 eth0"}},
	} {
		o := Options{Routers: routers(t, c.files...), Seed: 1}
		for _, text := range c.segments {
			s, err := ParseSegment(text)
			if err != nil {
				t.Fatal(err)
			}
			o.Segments = append(o.Segments, s)
		}
		l := newLAN(t, o)
		r := played(t, l, acts(t, l, c.lines...), time.Minute)
		document, err := json.MarshalIndent(r, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, "testdata/"+c.name+".txt", r.Text())
		golden.Check(t, "testdata/"+c.name+".json", string(document)+"\n")
		golden.Check(t, "testdata/"+c.name+".svg", r.SVG())
	}
}

// TestOutages checks the outages of typical faults. An unplugged cable costs the Skew_Time and the
// time to notice it, a loss of power the Active_Down_Interval, and a stop or release only the
// Skew_Time.
func TestOutages(t *testing.T) {
	l := newLAN(t, Options{Routers: routers(t, "left.yaml", "right.yaml"), Seed: 7})
	for _, c := range []struct {
		lines       []string
		least, most time.Duration
	}{
		{[]string{"5s unplug left eth1"}, 609 * time.Millisecond, 625 * time.Millisecond},
		{[]string{"5s down left eth1"}, 609 * time.Millisecond, 613 * time.Millisecond},
		{[]string{"5s stop left"}, 609 * time.Millisecond, 611 * time.Millisecond},
		{[]string{"5s release left edge"}, 609 * time.Millisecond, 611 * time.Millisecond},
		{[]string{"5s kill left"}, 2609 * time.Millisecond, 3612 * time.Millisecond},
		{[]string{"5s unplug right eth1", "10s kill right", "20s start right"}, 0, 0},
		{[]string{"5s lose 99% left eth0 in", "20s lose 0% left eth0 in"}, 0, 0},
		// No host reaches left, which stays Active on this segment because its group does: as with block.
		{[]string{"5s lose 100% left eth0 in", "20s lose 0% left eth0 in"}, 15 * time.Second, 15 * time.Second},
		{[]string{"5s lose 100% eth1", "20s lose 0% eth1"}, 15 * time.Second, 15 * time.Second},
		{[]string{"5s lose 100% left eth0"}, 25 * time.Second, 25 * time.Second},
		{[]string{"5s lose 100% left eth0 out", "20s lose 0% left eth0 out"}, 15 * time.Second, 15 * time.Second},
	} {
		r := played(t, l, acts(t, l, c.lines...), 30*time.Second)
		_, worst, _ := r.WorstOutage()
		if got := worst.Long(); got < c.least || got > c.most {
			t.Errorf("%v: the longest outage is %v, want %v to %v\n%s", c.lines, got, c.least, c.most, r.Text())
		}
		if _, split, ok := r.LongestSplit(); ok {
			t.Errorf("%v: two Actives for %v", c.lines, split.Long())
		}
	}
}

// TestThreeSides checks that a partition may have more than two sides: one router of each serves.
func TestThreeSides(t *testing.T) {
	l := newLAN(t, Options{Routers: routers(t, "r1.yaml", "r2.yaml", "r3.yaml"), Seed: 1})
	for line, want := range map[string][]string{
		"5s partition eth0 r1 / r2 / r3": {"r1", "r2", "r3"},
		"5s partition eth0 r1 / r2 r3":   {"r1", "r2"},
	} {
		_, split, _ := played(t, l, acts(t, l, line), time.Minute).LongestSplit()
		if !slices.Equal(split.Routers, want) {
			t.Errorf("%s: %v serve, want %v", line, split.Routers, want)
		}
	}
}

// TestEveryVerb checks that each verb of the manual can be parsed and has an effect.
func TestEveryVerb(t *testing.T) {
	l := newLAN(t, Options{Seed: 1, Routers: []Router{
		textual(t, "old", signing+"\n    priority: 120\n    track: [{check: web}]\nchecks: [{name: web, tcp: {address: '192.0.2.9:80'}}]"),
		textual(t, "new", signing+"\n    priority: 90"),
	}, Load: func(path string) (*config.Config, error) {
		return textual(t, path, signing+"\n    priority: 50").Config, nil
	}})
	undisturbed := played(t, l, nil, time.Minute)
	tried := make(map[string]bool)
	for _, lines := range [][]string{
		{"5s unplug old eth0", "20s plug old eth0"}, {"5s down old eth0", "20s up old eth0"},
		{"5s kill old", "20s start old"}, {"5s stop old", "20s start old"}, {"5s pause old 8s"}, {"5s hang old 8s"},
		{"5s lose 100% eth0"}, {"5s lose 100% old eth0"}, {"5s lose 100% old eth0 out"},
		{"5s delay 20s eth0"}, {"5s block old eth0"}, {"5s partition eth0 old / new", "20s heal eth0"},
		{"5s check web fails", "20s check old web passes"}, {"5s release old", "20s resume old"}, {"5s reload old reloaded.yaml"},
		{"5s clock old -1h"},
	} {
		r := played(t, l, acts(t, l, lines...), time.Minute)
		if slices.EqualFunc(r.Groups, undisturbed.Groups, func(a, b Lane) bool { return slices.Equal(a.States, b.States) }) {
			t.Errorf("%v changed nothing in the result", lines)
		}
		for _, line := range lines {
			tried[strings.Fields(line)[1]] = true
		}
	}
	for _, v := range Verbs() {
		if name, _, _ := strings.Cut(v.Usage, " "); !tried[name] || v.Does == "" {
			t.Errorf("%s was not tried", name)
		}
	}
}

// signing is an instance that signs its adverts.
const signing = `instances:
  - name: lan
    interface: eth0
    vrid: 51
    auth: {hmac: {keys: {1: {hex: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f}}, active: 1}}
    addresses: [192.0.2.1/24]`

// TestBadActs checks that the error for an invalid line says what to write instead.
func TestBadActs(t *testing.T) {
	l := newLAN(t, Options{Routers: routers(t, "left.yaml", "right.yaml")})
	for line, want := range map[string]string{
		"":                               "the instant is missing",
		"5s":                             "the verb is missing: write one of unplug, plug",
		"5 unplug left eth0":             "write 5s",
		"-5s unplug left eth0":           "has a sign: write 5s",
		"soon unplug left eth0":          "is not a time: write it as 5s",
		"5s unplg left eth0":             "did you mean unplug?",
		"5s xyz":                         "there is unplug, plug",
		"5s unplug lefft eth0":           "did you mean left?",
		"5s unplug left eth9":            "did you mean eth0?",
		"5s unplug left bond0":           "there is eth0 and eth1",
		"5s unplug left":                 "the interface is missing: write unplug ROUTER INTERFACE",
		"5s unplug left eth0 now":        `unexpected "now" after the last argument`,
		"5s pause left":                  "the duration is missing",
		"5s lose 30 eth0":                "is not a percentage",
		"5s lose 130% eth0":              "is not a percentage",
		"5s lose 30% left eth0 up":       "write in or out",
		"5s delay eth0 3s":               "is not a time",
		"5s check web fails":             "there is none",
		"5s clock left 3s":               "write +3s or -3s",
		"5s reload left x.yaml":          "reload is not available here",
		"5s partition eth0 left right":   "the routers of at least two sides are needed",
		"5s partition eth0 left / left":  "left is named twice",
		"5s partition eth0 left /":       "the routers of at least two sides are needed",
		"5s partition eth0 / left right": "the routers of at least two sides are needed",
		"5s lose NaN% eth0":              "is not a percentage",
		"5s partition eth0 left / up":    `there is no router "up"`,
		"5s release left edg":            "did you mean edge?",
	} {
		if _, err := l.Act(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}

// TestBadLANs checks the errors for two routers of one name, and for segments that name ports
// which no router has.
func TestBadLANs(t *testing.T) {
	for _, c := range []struct{ segment, want string }{
		{"lan", "write NAME=ROUTER:INTERFACE"},
		{"lan=left", "is not an interface: write it as ROUTER:INTERFACE"},
		{"lan=left:eth0,righ:eth0", "did you mean right?"},
		{"lan=left:eth0,right:eth7", "did you mean eth0?"},
		{"lan=left:eth0,left:eth0", "name it in only one of them"},
	} {
		s, err := ParseSegment(c.segment)
		if err == nil {
			_, err = New(Options{Routers: routers(t, "left.yaml", "right.yaml"), Segments: []Segment{s}})
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.segment, err, c.want)
		}
	}
	if _, err := New(Options{Routers: routers(t, "left.yaml", "left.yaml")}); err == nil || !strings.Contains(err.Error(), "two routers are called left") {
		t.Error(err)
	}
}

// TestAddressesOfPeers checks that routers get the addresses by which they name each other as
// unicast peers.
func TestAddressesOfPeers(t *testing.T) {
	text := "instances:\n  - {name: svc, interface: eth0, vrid: 7, priority: PRIO, unicast: {peers: [PEERS]}, addresses: [192.0.2.100/24]}\n"
	var all []Router
	for name, of := range map[string][2]string{
		"a": {"150", "192.0.2.12, 192.0.2.13"}, "b": {"100", "192.0.2.11, 192.0.2.13"}, "c": {"50", "192.0.2.11, 192.0.2.12"},
	} {
		all = append(all, textual(t, name, strings.NewReplacer("PRIO", of[0], "PEERS", of[1]).Replace(text)))
	}
	slices.SortFunc(all, func(a, b Router) int { return strings.Compare(a.Name, b.Name) })
	l := newLAN(t, Options{Routers: all})
	for i, r := range l.routers {
		if got, want := r.links["eth0"].Sources[0].String(), []string{"192.0.2.11/24", "192.0.2.12/24", "192.0.2.13/24"}[i]; got != want {
			t.Errorf("%s has %s, want %s", r.Name, got, want)
		}
	}
	r := played(t, l, acts(t, l, "5s kill a", "15s start a"), 30*time.Second)
	if _, _, split := r.LongestSplit(); split || len(r.Notes) > 0 || len(r.Log) == 0 {
		t.Errorf("%s", r.Text())
	}
}
