package keepalived

import "ripcord/pkg/keepalived/syntax"

// balancing are the blocks of load balancing, of which nothing is read.
type balancing []*syntax.Statement

// refuse fails where the file has load balancing, unless another program does it.
func (b balancing) refuse(r *syntax.Report, omitted *omissions, elsewhere bool) {
	if elsewhere {
		for _, s := range b {
			omitted.add(s, "LVS", noLVS)
		}
	}
	if len(b) == 0 || elsewhere {
		return
	}
	first := b[0]
	what := "this virtual server is"
	if n := len(b); n > 1 {
		what = "this and the other blocks of LVS are"
	}
	r.Fail(first.At(), "let keepalived --check run beside ripcord, which does the load balancing alone, and give ripcord run --without-lvs when it starts: a reload cannot add it",
		"%s not served by ripcord: a router that answers for a service and does not forward it is an outage", what)
}
