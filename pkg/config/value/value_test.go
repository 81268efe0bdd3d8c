package value

import (
	"strings"
	"testing"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/tree"
)

// TestValues checks what each kind of value accepts, and the message for a bad text.
func TestValues(t *testing.T) {
	name := func(read func(*problem.Report, problem.Place) (string, bool)) func(*problem.Report, problem.Place) bool {
		return func(r *problem.Report, at problem.Place) bool { s, ok := read(r, at); return ok && s == at.Node.Text }
	}
	prefix := func(r *problem.Report, at problem.Place) bool {
		p, ok := Prefix(r, at)
		return ok && p.String() == at.Node.Text
	}
	for _, c := range []struct {
		read      func(*problem.Report, problem.Place) bool
		good, bad string
		said      string // of the bad one
	}{
		{name(Name), "inside 1", "a\"b", `"a\"b" is not a name`},
		{name(InterfaceName), "eth0", "a/b", "a/b cannot name an interface: it has a blank, '/' or ':'"},
		{name(OwnName), "eth0", "sixteen-letters-", "longer than 15 characters, the longest name of an interface"},
		{name(AdvertInterface), "eth0", "lo", "lo is the loopback interface"},
		{name(Account), "nobody", "no body", `"no body" is not the name of an account`},
		{name(Path), "/run/x", "run/x", "run/x is not the absolute path of a file"},
		{name(SocketPath), "/run/x.sock", "/run/", "/run/ is not the absolute path of a socket"},
		{name(Endpoint), "[::1]:9112", "192.0.2.1", "192.0.2.1 has no port"},
		{name(Label), "eth0:1", "much-too-long-label", "longer than 15 characters, the longest label"},
		{prefix, "192.0.2.1/24", "192.0.2.1", "192.0.2.1 has no prefix length"},
		{func(r *problem.Report, at problem.Place) bool { p, ok := Network(r, at); return ok && p.Bits() == 24 }, "192.0.2.0/24", "192.0.2.1/24", "192.0.2.1/24 is an address in a network"},
		{func(r *problem.Report, at problem.Place) bool { n, ok := Table(r, at); return ok && n == 254 }, "main", "local", "local is not a routing table"},
		{func(r *problem.Report, at problem.Place) bool { n, ok := TOS(r, at); return ok && n == 16 }, "0x10", "0x100", "0x100 is not a type of service"},
		{func(r *problem.Report, at problem.Place) bool { n, ok := Protocol(r, at); return ok && n == 6 }, "tcp", "tpc", "tpc is not a protocol"},
		{func(r *problem.Report, at problem.Place) bool {
			p, ok := Ports(r, at)
			return ok && p.First == 80 && p.Last == 90
		}, "80-90", "90-80", "90-80 is neither a port between 1 and 65535 nor a range"},
	} {
		report := problem.Of("x", []byte("x"))
		at := func(text string) problem.Place { return problem.Place{Node: &tree.Node{Kind: tree.Scalar, Text: text}} }
		if !c.read(report, at(c.good)) || report.Count() > 0 {
			t.Errorf("%q is not read as it stands: %v", c.good, report.Problems())
		}
		if c.read(report, at(c.bad)) || report.Count() != 1 || !strings.Contains(report.Problems()[0].Message, c.said) {
			t.Errorf("%q: %v, want %q", c.bad, report.Problems(), c.said)
		}
	}
}
