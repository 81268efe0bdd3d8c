package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/config/value"
	"ripcord/pkg/listing"
	"ripcord/pkg/track"
	"ripcord/pkg/tree"
)

// Check is one entry of checks. For a command, Probe does not have the user yet: whether the user
// exists is known only on the machine that runs the file.
type Check struct {
	track.Spec
	User, Group string // the account of a command; empty: ScriptUser, and the user's group
}

// check is an entry of checks in the file.
type check struct {
	Check
	weight  int
	command []string
	process *track.Process
	file    *track.File
	tcp     *track.TCP
	http    *track.HTTP
	ping    *track.Ping
	at      problem.Place
	present schema.KeySet
	used    bool
}

// maxWeight is the greatest weight: the distance between the priorities 1 and 254.
const maxWeight = 253

// readWeight parses a weight; none is 0: a failure is a fault.
func readWeight(report *problem.Report, at problem.Place) (int, bool) {
	if at.Node.Kind == tree.Scalar && at.Node.Text == "none" {
		return 0, true
	}
	n, ok := schema.Number(-maxWeight, maxWeight).Read(report, at)
	if ok && n == 0 {
		report.Advise(at, "write none, or remove it, if a failure is a fault", "0 would change nothing")
		return 0, false
	}
	return n, ok
}

// kindsOfCheck are the keys of which a check has exactly one.
var kindsOfCheck = []string{"command", "process", "file", "tcp", "http", "ping"}

func readCheck(report *problem.Report, at problem.Place) (*check, bool) {
	c := &check{at: at}
	c.present = checkKeys.Fill(report, at, c)
	return c, c.present != nil
}

// maxProcesses parses a number of processes, or inf.
func maxProcesses(report *problem.Report, at problem.Place) (int, bool) {
	if at.Node.Kind == tree.Scalar && at.Node.Text == "inf" {
		return 0, true
	}
	return schema.Number(1, pidMax).Read(report, at)
}

// pidMax is the greatest number of processes of a kernel, PID_MAX_LIMIT.
const pidMax = 1 << 22

// processName parses the name of a process, or the path of its program.
func processName(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := report.Word(at, "the name of a process")
	switch {
	case !ok:
	case s == "" || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		report.Fail(at, "%s is not the name of a process", problem.Show(s))
		ok = false
	case strings.Contains(s, "/") && (s[0] != '/' || strings.HasSuffix(s, "/")):
		report.Advise(at, "give a name, or the whole path", "%s is not the absolute path of a program", problem.Show(s))
		ok = false
	}
	return s, ok
}

// target parses an address to which to connect, with its port.
func target(report *problem.Report, at problem.Place) (string, bool) {
	const forms = `write "192.0.2.80:443" or "[2001:db8::80]:443"`
	s, ok := value.WithPort(report, at, forms)
	if !ok {
		return "", false
	}
	if a, err := netip.ParseAddrPort(s); err != nil || a.Addr().IsUnspecified() {
		report.Advise(at, forms, "%s does not name a station", problem.Show(s))
		return "", false
	}
	return s, true
}

// statuses parses a status code or a range of them, or a list of these.
func statuses(report *problem.Report, at problem.Place) ([]track.StatusRange, bool) {
	if at.Node.Kind == tree.List {
		return schema.Some(schema.Each(schema.As(schema.Description{}, status))).Read(report, at)
	}
	one, ok := status(report, at)
	return []track.StatusRange{one}, ok
}

// someText parses a text that is not empty.
func someText(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := report.Word(at, "text")
	if ok && s == "" {
		report.Fail(at, "is empty")
		return "", false
	}
	return s, ok
}

func status(report *problem.Report, at problem.Place) (track.StatusRange, bool) {
	const least, most = 100, 599
	s, ok := report.Word(at, "a status code")
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
		report.Advise(at, "write 200, or 200-399", "%s is not a status code or a range of them", problem.Show(s))
	case from < least || upto > most:
		report.Fail(at, "%s is not between %d and %d", problem.Show(s), least, most)
	case from > upto:
		report.Advise(at, "write the lower status first", "%s has no status in it", problem.Show(s))
	default:
		return track.StatusRange{First: from, Last: upto}, true
	}
	return track.StatusRange{}, false
}

// webAddress parses an http or https URL.
func webAddress(report *problem.Report, at problem.Place) (string, bool) {
	const form = "write it like http://192.0.2.80:8080/health"
	s, ok := report.Word(at, "a URL")
	if !ok {
		return "", false
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		report.Advise(at, form, "%s is not an http or https URL", problem.Show(s))
	case u.User != nil:
		report.Advise(at, form, "the URL has a user or password, which would be logged")
	case u.Fragment != "":
		report.Advise(at, form, "%s has a fragment, which is not sent to the server", problem.Show(s))
	case !isPort(u.Port()):
		report.Advise(at, form, "%s is not a port between 1 and 65535", problem.Show(u.Port()))
	default:
		return s, true
	}
	return "", false
}

// isPort reports whether a text is a TCP port, or empty.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil && n > 0
}

// checkChecks requires that each check has exactly one kind, and a name of its own.
func checkChecks(report *problem.Report, all []*check) {
	first := map[string]problem.Place{}
	for _, c := range all {
		if at, taken := first[c.Name]; taken && c.Name != "" {
			report.Fail(c.present["name"], "%s is the name of %s already", c.Name, report.Mention(at, c.present["name"]))
		} else {
			first[c.Name] = c.at
		}
		c.check(report)
	}
}

// check requires that the keys of a check agree.
func (c *check) check(report *problem.Report) {
	var kinds []string
	for _, k := range kindsOfCheck {
		if _, ok := c.present[k]; ok {
			kinds = append(kinds, k)
		}
	}
	switch {
	case len(kinds) == 0:
		report.Fail(c.at, "needs one of %s", listing.Or(kindsOfCheck))
		return
	case len(kinds) > 1:
		report.Advise(c.present[kinds[1]], "make two checks of it, and track both", "the check has %s already", kinds[0])
		return
	}
	for _, k := range []string{"user", "group"} {
		if at, ok := c.present[k]; ok && kinds[0] != "command" {
			report.Fail(at, "is for command only")
		}
	}
	if at, ok := c.present["weight"]; ok && kinds[0] == "file" {
		report.Advise(at, "write it into file, beside path", "the factor for the number in a file is a key of file")
	}
	for _, k := range []string{"interval", "timeout", "rise", "fall"} {
		if at, ok := c.present[k]; ok && kinds[0] == "file" {
			report.Warn(at, "a file is read whenever it changes", "has no effect")
		}
	}
	c.checkProcess(report)
	c.checkPing(report)
}

func (c *check) checkProcess(report *problem.Report) {
	p := c.process
	switch at := c.present["process"]; {
	case p == nil:
	case p.Part && (strings.HasPrefix(p.Name, "/") || len(p.Name) > track.CommLen):
		report.Advise(at, fmt.Sprintf("give up to %d characters of the name, or remove match", track.CommLen), "%s is not a part of a kernel's name for a process", p.Name)
	case p.Max > 0 && p.Min > p.Max:
		report.Fail(at, "min is %d, which is more than max, %d", p.Min, p.Max)
	case p.Max == 0 && p.Min == 0:
		report.Advise(at, "set how many processes there may be", "with min 0 and no max, any number passes")
	}
}

func (c *check) checkPing(report *problem.Report) {
	p := c.ping
	switch at := c.present["ping"]; {
	case p == nil || !p.Address.IsValid() || p.Interface != "":
	case p.Method == track.Neighbor:
		report.Fail(at.Key("interface"), "missing: arp sends its question on one link")
	case p.Address.Is6() && p.Address.IsLinkLocalUnicast():
		report.Fail(at.Key("interface"), "missing: %s is link-local", p.Address)
	}
}

// build returns the check in the tracker's form.
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
