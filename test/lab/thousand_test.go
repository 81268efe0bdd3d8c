package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/control"
	"ripcord/pkg/lan"
	"ripcord/pkg/stats"
)

// A router with as many instances as a large one has, of which each advertises ten times
// a second: 250 on each of four links.
const (
	thousandCount    = 1000
	thousandLinks    = 4
	thousandInterval = 100 * time.Millisecond
)

// thousand is such a router, and what is in its file beside its instances.
type thousand struct {
	*site
	a     *daemon
	head  string             // of the file
	keys  func(i int) string // of an instance, as YAML flow; nil: none
	other map[string]int     // the priorities of those that have not 150
}

// newThousand makes the LAN, and starts nothing.
func newThousand(t *testing.T) *thousand {
	t.Helper()
	var segments []segment
	for i := range thousandLinks {
		segments = append(segments, segment{fmt.Sprintf("s%d", i), fmt.Sprintf("eth%d", i), 1, fmt.Sprintf("10.0.%d", i)})
	}
	return &thousand{site: newSite(t, segments, "a"), other: make(map[string]int)}
}

// begin starts the router, and waits until its instances are all Active and have
// announced themselves a second time.
func (r *thousand) begin() {
	r.t.Helper()
	began := time.Now()
	r.a = r.startYAML("a", r.yaml())
	r.allActive(60 * time.Second)
	r.t.Logf("%d instances are Active %v after the start", thousandCount, time.Since(began))
	time.Sleep(7 * time.Second) // again_after is 5 s
}

// allActive waits until all instances are Active.
func (r *thousand) allActive(within time.Duration) {
	r.t.Helper()
	active := 0
	for deadline := time.Now().Add(within); active < thousandCount; time.Sleep(often) {
		select {
		case <-r.a.Exited:
			r.t.Fatalf("it has ended: %v", r.a.Err)
		default:
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d of %d instances are Active after %v", active, thousandCount, within)
		}
		active = 0
		for _, in := range r.instances() {
			if in.State == "active" {
				active++
			}
		}
	}
}

// yaml returns the file.
func (r *thousand) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "control: {socket: %s}\nscript_user: root\n%s", r.socket("a"), r.head)
	fmt.Fprintf(&b, "defaults: {priority: 150, interval: %v}\ninstances:\n", thousandInterval)
	for i := range thousandCount {
		link, vrid := i%thousandLinks, 1+i/thousandLinks
		name := instanceOn(link, uint8(vrid))
		fmt.Fprintf(&b, "  - {name: %s, interface: eth%d, vrid: %d, addresses: [10.1.%d.%d/32]", name, link, vrid, link, vrid)
		if p := r.other[name]; p != 0 {
			fmt.Fprintf(&b, ", priority: %d", p)
		}
		if r.keys != nil {
			b.WriteString(", " + r.keys(i))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// reread has it take the file that follows from its fields now.
func (r *thousand) reread() (done outcome, took time.Duration) {
	r.t.Helper()
	r.rewrite("a", r.yaml())
	began := time.Now()
	done = r.reload(r.a)
	if done.code != 0 {
		r.t.Fatalf("reload: %+v", done)
	}
	return done, time.Since(began)
}

// instances returns the instances by name; none while the daemon does not answer.
func (r *thousand) instances() map[string]control.Instance {
	r.t.Helper()
	named := make(map[string]control.Instance)
	if _, err := os.Stat(r.a.socket); err != nil {
		return named
	}
	for _, in := range r.a.status().Instances {
		named[in.Name] = in
	}
	return named
}

// sent returns how many adverts each instance has sent.
func (r *thousand) sent() map[string]uint64 {
	r.t.Helper()
	return sentOf(r.instances())
}

func sentOf(instances map[string]control.Instance) map[string]uint64 {
	sent := make(map[string]uint64)
	for name, in := range instances {
		sent[name] = in.Statistics.Get(stats.AdvertisementSent)
	}
	return sent
}

// missed reports whether an instance has sent fewer adverts than it had to since it had sent the
// given number, except if the machine was paused.
func (r *thousand) missed(m *machine, before map[string]uint64, since time.Time) (wrong string) {
	r.t.Helper()
	due := uint64(time.Since(since) / thousandInterval)
	least := due
	for name, n := range r.sent() {
		least = min(least, n-before[name])
	}
	stopped := m.stopped(thousandInterval)
	r.t.Logf("each instance has sent at least %d adverts in %d intervals, of which the machine was paused in %d at most", least, due, stopped)
	if least+stopped+1 < due {
		return fmt.Sprintf(" an instance has sent %d adverts in %d intervals", least, due)
	}
	return ""
}

// advertSeen is when an advert was seen, and how late it was: against a grid through those of
// its instance that were the least late.
type advertSeen struct {
	at   time.Time
	late time.Duration
}

// window is what was seen of the adverts in some time.
type window struct {
	adverts  []advertSeen
	longest  time.Duration // between two adverts of one instance
	routers  int           // that advertised
	priority map[string]map[uint8]bool
}

// watchAdverts watches all adverts while something is done. Some instances advertise
// something new meanwhile, which they do at once and not in time: they are never late.
func (r *thousand) watchAdverts(while func(), anew ...string) window {
	r.t.Helper()
	var sniffers []*lan.Sniffer
	for _, seg := range r.segments {
		sniffers = append(sniffers, r.sniff(seg))
	}
	began := time.Now()
	while()
	ended := time.Now()
	w := window{priority: make(map[string]map[uint8]bool)}
	for link, sniffer := range sniffers {
		sniffer.Close()
		all := make(map[uint8][]time.Time)
		for _, a := range sniffer.Adverts() {
			all[a.VRID] = append(all[a.VRID], a.At)
			name := instanceOn(link, a.VRID)
			if w.priority[name] == nil {
				w.priority[name] = make(map[uint8]bool)
			}
			w.priority[name][a.Priority] = true
		}
		for vrid, list := range all {
			w.routers++
			w.add(list, began, ended, !slices.Contains(anew, instanceOn(link, vrid)))
		}
	}
	return w
}

// instanceOn names the instance that has a VRID on a link.
func instanceOn(link int, vrid uint8) string {
	return fmt.Sprintf("i%d", int(vrid-1)*thousandLinks+link)
}

// add takes the instants of one instance's adverts, which are to be in time or not.
func (w *window) add(list []time.Time, began, ended time.Time, inTime bool) {
	last, offs := began, make([]time.Duration, len(list))
	for k, at := range list {
		w.longest, last = max(w.longest, at.Sub(last)), at
		since := at.Sub(list[0])
		offs[k] = since - since.Round(thousandInterval)
	}
	w.longest = max(w.longest, ended.Sub(last))
	if !inTime {
		return
	}
	grid := quantile(offs, 10) // one that comes early, as after a stall, is not its measure
	for k, at := range list {
		w.adverts = append(w.adverts, advertSeen{at, max(offs[k]-grid, 0)})
	}
}

// late returns by how much percent of the adverts were late at most.
func (w *window) late(percent int) time.Duration {
	late := make([]time.Duration, len(w.adverts))
	for i, x := range w.adverts {
		late[i] = x.late
	}
	return quantile(late, percent)
}

// latest returns by how much the latest advert of some time was late.
func (w *window) latest(during span) (latest time.Duration) {
	for _, x := range w.adverts {
		if !x.at.Before(during.began) && x.at.Before(during.ended) {
			latest = max(latest, x.late)
		}
	}
	return latest
}

// span is a time in which something was done.
type span struct{ began, ended time.Time }

// String shows the window in a log.
func (w *window) String() string {
	return fmt.Sprintf("%d adverts of %d instances, late by p50 %v, p99 %v, at most %v; the longest time without one %v",
		len(w.adverts), w.routers, w.late(50), w.late(99), w.late(100), w.longest)
}

// holdings are what a process takes of the machine, with its children: its runner, and the
// programs that this one runs.
type holdings struct {
	usage
	goroutines, children, zombies int
}

// holdings returns what it has now.
func (d *daemon) holdings() holdings {
	d.t.Helper()
	h := holdings{usage: d.usage(), goroutines: int(d.scrape()["go_goroutines"])}
	type process struct{ pid, state string }
	children := make(map[string][]process) // by their parent
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, path := range stats {
		text, _ := os.ReadFile(path) // it may have ended
		_, rest, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(rest); len(f) > 1 {
			children[f[1]] = append(children[f[1]], process{filepath.Base(filepath.Dir(path)), f[0]})
		}
	}
	var count func(parent string)
	count = func(parent string) {
		for _, p := range children[parent] {
			h.children++
			if p.state == "Z" {
				h.zombies++
			}
			count(p.pid)
		}
	}
	count(strconv.Itoa(d.Command.Process.Pid))
	return h
}

// String shows them in a log.
func (h holdings) String() string {
	return fmt.Sprintf("%d descriptors, %d goroutines, %d threads, %d children of which %d are zombies, %d KiB",
		h.fds, h.goroutines, h.threads, h.children, h.zombies, h.kib)
}

// returnsTo waits until a process has no more than it had before, but for some descriptors
// and goroutines of the connections that ask for it.
func (d *daemon) returnsTo(before holdings, within time.Duration) {
	d.t.Helper()
	const more = 4
	for deadline := time.Now().Add(within); ; time.Sleep(often) {
		now := d.holdings()
		if now.fds <= before.fds+more && now.goroutines <= before.goroutines+more && now.children <= before.children && now.zombies == 0 {
			d.t.Logf("before: %v; after: %v", before, now)
			return
		}
		if time.Now().After(deadline) {
			d.t.Errorf("before: %v; %v after the end: %v", before, within, now)
			return
		}
	}
}
