package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"ripcord/pkg/spelling"
	"ripcord/pkg/track"
	"ripcord/pkg/tree"
	"ripcord/pkg/vrrp"
)

// A Check is one entry of checks. Of a command, Probe does not have the user yet: whether
// there is one is known where the file is run.
type Check struct {
	track.Spec
	User, Group string // that a command runs as; empty: ScriptUser, and the user's group
}

// check is an entry of checks as it was read.
type check struct {
	Check
	weight  int
	command []string
	process *track.Process
	file    *track.File
	tcp     *track.TCP
	http    *track.HTTP
	ping    *track.Ping
	at      place
	present keySet
	used    bool
}

// mostWeight is the largest weight: the distance between the priorities 1 and 254.
const mostWeight = 253

// readWeight reads a weight; none is 0: a failure is a fault.
func readWeight(l *loader, at place) (int, bool) {
	if at.node.Kind == tree.Scalar && at.node.Text == "none" {
		return 0, true
	}
	n, ok := number(-mostWeight, mostWeight).read(l, at)
	if ok && n == 0 {
		l.advise(at, "write none, or leave it out, where a failure is a fault", "0 would change nothing")
		return 0, false
	}
	return n, ok
}

// kindsOfCheck are the keys of a check of which it has exactly one.
var kindsOfCheck = []string{"command", "process", "file", "tcp", "http", "ping"}

func readCheck(l *loader, at place) (*check, bool) {
	c := &check{at: at}
	checkKeys.start(c)
	c.present = checkKeys.read(l, at, c)
	checkKeys.need(l, at, c.present)
	return c, c.present != nil
}

// filled reads a map of its own table, all of whose required keys are there, into a
// pointer.
func filled[T, S any](field func(*T) **S, keys table[S]) value[T] {
	return value[T]{mapOf(keys), func(l *loader, at place, into *T) bool {
		s := new(S)
		keys.start(s)
		present := keys.read(l, at, s)
		keys.need(l, at, present)
		if present != nil {
			*field(into) = s
		}
		return present != nil
	}}
}

// mostProcesses is a number of processes, or inf.
func mostProcesses(l *loader, at place) (int, bool) {
	if at.node.Kind == tree.Scalar && at.node.Text == "inf" {
		return 0, true
	}
	return number(1, pidMax).read(l, at)
}

// pidMax is the most processes that a kernel can have, PID_MAX_LIMIT.
const pidMax = 1 << 22

// processName is what a process is called: by a name, or by the path of its program.
func processName(l *loader, at place) (string, bool) {
	s, ok := l.word(at, "the name of a process")
	switch {
	case !ok:
	case s == "" || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		l.fail(at, "%s is not the name of a process", show(s))
		ok = false
	case strings.Contains(s, "/") && (s[0] != '/' || strings.HasSuffix(s, "/")):
		l.advise(at, "give a name, or the whole path", "%s is not the absolute path of a program", show(s))
		ok = false
	}
	return s, ok
}

// target is an address to connect to, with its port.
func target(l *loader, at place) (string, bool) {
	const forms = `write "192.0.2.80:443" or "[2001:db8::80]:443"`
	s, ok := withPort(l, at, forms)
	if !ok {
		return "", false
	}
	if a, err := netip.ParseAddrPort(s); err != nil || a.Addr().IsUnspecified() {
		l.advise(at, forms, "%s does not say which station", show(s))
		return "", false
	}
	return s, true
}

// statuses is a status code or a range of them, or a list of such.
func statuses(l *loader, at place) ([]track.StatusRange, bool) {
	if at.node.Kind == tree.List {
		return some(each(as(Description{}, status))).read(l, at)
	}
	one, ok := status(l, at)
	return []track.StatusRange{one}, ok
}

// someText is text that is not empty.
func someText(l *loader, at place) (string, bool) {
	s, ok := l.word(at, "text")
	if ok && s == "" {
		l.fail(at, "is empty")
		return "", false
	}
	return s, ok
}

func status(l *loader, at place) (track.StatusRange, bool) {
	const least, most = 100, 599
	s, ok := l.word(at, "a status code")
	if !ok {
		return track.StatusRange{}, false
	}
	low, high, ranged := strings.Cut(s, "-")
	if !ranged {
		high = low
	}
	from, err := strconv.Atoi(low)
	upto, err2 := strconv.Atoi(high)
	switch {
	case err != nil || err2 != nil:
		l.advise(at, "write 200, or 200-399", "%s is not a status code or a range of them", show(s))
	case from < least || upto > most:
		l.fail(at, "%s is not between %d and %d", show(s), least, most)
	case from > upto:
		l.advise(at, "write the lower status first", "%s has no status in it", show(s))
	default:
		return track.StatusRange{First: from, Last: upto}, true
	}
	return track.StatusRange{}, false
}

// webAddress is an http or https URL.
func webAddress(l *loader, at place) (string, bool) {
	const form = "write it like http://192.0.2.80:8080/health"
	s, ok := l.word(at, "a URL")
	if !ok {
		return "", false
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		l.advise(at, form, "%s is not an http or https URL", show(s))
	case u.User != nil:
		l.advise(at, form, "the URL has a user or password, which would be logged")
	case u.Fragment != "":
		l.advise(at, form, "%s has a fragment, which no server is sent", show(s))
	case !isPort(u.Port()):
		l.advise(at, form, "%s is not a port between 1 and 65535", show(u.Port()))
	default:
		return s, true
	}
	return "", false
}

// isPort reports whether a text is a TCP port, or there is none.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil && n > 0
}

// checkChecks sees that each check is one thing, and that no two have one name.
func (d *document) checkChecks(l *loader) {
	first := map[string]place{}
	for _, c := range d.checks {
		if at, taken := first[c.Name]; taken && c.Name != "" {
			l.fail(c.present["name"], "%s is the name of %s already", c.Name, l.mention(at, c.present["name"]))
		} else {
			first[c.Name] = c.at
		}
		c.check(l)
	}
}

// check sees that the keys of a check fit one another.
func (c *check) check(l *loader) {
	var kinds []string
	for _, k := range kindsOfCheck {
		if _, ok := c.present[k]; ok {
			kinds = append(kinds, k)
		}
	}
	switch {
	case len(kinds) == 0:
		l.fail(c.at, "needs one of %s", alternatives(kindsOfCheck))
		return
	case len(kinds) > 1:
		l.advise(c.present[kinds[1]], "make two checks of it, and track both", "the check has %s already", kinds[0])
		return
	}
	for _, k := range []string{"user", "group"} {
		if at, ok := c.present[k]; ok && kinds[0] != "command" {
			l.fail(at, "is for command only")
		}
	}
	if at, ok := c.present["weight"]; ok && kinds[0] == "file" {
		l.advise(at, "write it into file, beside path", "what a file's number is multiplied with stands in file")
	}
	for _, k := range []string{"interval", "timeout", "rise", "fall"} {
		if at, ok := c.present[k]; ok && kinds[0] == "file" {
			l.warn(at, "a file is read whenever it changes", "has no effect")
		}
	}
	c.checkProcess(l)
	c.checkPing(l)
}

func (c *check) checkProcess(l *loader) {
	p := c.process
	switch at := c.present["process"]; {
	case p == nil:
	case p.Part && (strings.HasPrefix(p.Name, "/") || len(p.Name) > track.CommLen):
		l.advise(at, fmt.Sprintf("give up to %d characters of the name, or leave match out", track.CommLen), "%s is no part of what the kernel calls a process", p.Name)
	case p.Max > 0 && p.Min > p.Max:
		l.fail(at, "min is %d, which is more than max, %d", p.Min, p.Max)
	case p.Max == 0 && p.Min == 0:
		l.advise(at, "say how many processes there may be", "with min 0 and no max, any number passes")
	}
}

func (c *check) checkPing(l *loader) {
	p := c.ping
	switch at := c.present["ping"]; {
	case p == nil || !p.Address.IsValid() || p.Interface != "":
	case p.Method == track.Neighbor:
		l.fail(at.key("interface"), "missing: arp asks on one link")
	case p.Address.Is6() && p.Address.IsLinkLocalUnicast():
		l.fail(at.key("interface"), "missing: %s is link-local", p.Address)
	}
}

// build returns the check in the words of the tracker.
func (c *check) build() Check {
	out := c.Check
	switch {
	case c.command != nil:
		out.Probe = track.Command{Argv: c.command}
	case c.process != nil:
		out.Probe = *c.process
	case c.file != nil:
		out.Probe = *c.file
	case c.tcp != nil:
		out.Probe = *c.tcp
	case c.http != nil:
		out.Probe = *c.http
	case c.ping != nil:
		out.Probe = *c.ping
	}
	return out
}

// tracked is one entry of track.
type tracked struct {
	link, check string // one of the two
	weight      int
	reverse     bool
	at          place
	present     keySet
	found       *check // of that name; nil: none, or a link
}

func readTracked(l *loader, at place) (tracked, bool) {
	t := tracked{at: at}
	trackKeys.start(&t)
	t.present = trackKeys.read(l, at, &t)
	if t.present == nil {
		return t, false
	}
	_, isLink := t.present["interface"]
	if _, isCheck := t.present["check"]; isLink == isCheck {
		l.fail(at, "needs either interface or check")
		return t, false
	}
	return t, true
}

// named are the checks by their names.
type named struct {
	checks map[string]*check
	names  []string
}

func (d *document) namedChecks() named {
	n := named{checks: map[string]*check{}}
	for _, c := range d.checks {
		if c.Name != "" && n.checks[c.Name] == nil {
			n.checks[c.Name] = c
			n.names = append(n.names, c.Name)
		}
	}
	return n
}

// checkTrack finds the checks of a track, and sees that each entry has a meaning of its
// own. where is the place of an entry.
func (n named) checkTrack(l *loader, track []tracked, where func(place) place) {
	first := map[[2]string]bool{}
	for k := range track {
		t := &track[k]
		at := where(t.at)
		if key := [2]string{t.link, t.check}; first[key] && key != [2]string{} {
			l.fail(at, "%s is tracked twice", show(t.link+t.check))
			continue
		} else {
			first[key] = true
		}
		if t.check == "" {
			continue
		}
		if t.found = n.checks[t.check]; t.found == nil {
			l.advise(at, spelling.DidYouMean(l.suggest(t.check, n.names)), "no check is named %s", show(t.check))
			continue
		}
		t.found.used = true
		for _, key := range []string{"weight", "reverse"} {
			if w, ok := t.present[key]; ok && t.found.file != nil {
				l.advise(where(w), "write it into the check, beside path", "%s is a file, which has its own weight", t.check)
			}
		}
	}
}

// checkTracks sees that all that is tracked is there, and that each check is tracked.
func (d *document) checkTracks(l *loader) {
	n := d.namedChecks()
	for _, i := range d.instances {
		i.track = slices.Clone(i.track) // of the defaults, perhaps
		n.checkTrack(l, i.track, func(at place) place { return i.spot("track", at) })
		i.warnTrack(l)
	}
	for g := range d.groups {
		at := &d.groups[g]
		n.checkTrack(l, at.track, func(p place) place { return p })
		at.warnTrack(l)
	}
	for _, c := range d.checks {
		if !c.used && n.checks[c.Name] == c {
			l.warn(c.at, "track it in an instance or group, or leave it out", "nobody tracks %s", c.Name)
		}
	}
}

// warnTrack notes entries of an instance's track without an effect.
func (i *instance) warnTrack(l *loader) {
	for _, t := range i.track {
		switch {
		case t.link != "" && t.link == i.Interface && i.trackLink:
			l.warn(i.spot("track", t.at), "say track_link: false if that is not meant", "has no effect: without its own link an instance is in Fault")
		case i.Priority == vrrp.Owner && (t.effective() != 0 || t.found != nil && t.found.file != nil):
			l.warn(i.spot("track", t.at), "", "has no effect: the priority of an address owner, 255, stays")
		}
	}
}

func (g *group) warnTrack(l *loader) {
	if at, ok := g.present["fault"]; ok && len(g.track) == 0 && !g.present["track"].bad {
		l.warn(at, "it is about the group's own track", "has no effect")
	}
}

// effective is the weight of an entry: its own, or that of the check.
func (t *tracked) effective() int {
	if _, own := t.present["weight"]; own || t.found == nil {
		return t.weight
	}
	return t.found.weight
}

// build returns the entry in the words of the state machine.
func (t *tracked) build() vrrp.Tracker {
	if t.found == nil {
		return vrrp.Tracker{Kind: vrrp.TrackInterface, Name: t.link, Weight: t.weight, Reverse: t.reverse}
	}
	return vrrp.Tracker{Kind: vrrp.TrackCheck, Name: t.check, Weight: t.effective(), Reverse: t.reverse, Reported: t.found.file != nil && t.found.file.Weight != 0}
}

func trackers(track []tracked) (all []vrrp.Tracker) {
	for _, t := range track {
		all = append(all, t.build())
	}
	return all
}
