package keepalived

import "ripcord/pkg/keepalived/syntax"

// balancing holds the blocks of load balancing, whose contents are not read.
type balancing []*syntax.Statement

// refuse reports an error if the file has load balancing, unless another program does it.
func (b balancing) refuse(r *syntax.Report, omitted *omissions, elsewhere bool) {
	if elsewhere {
		for _, s := range b {
			omitted.add(s, "LVS", noLVS)
		}
		return
	}
	if len(b) == 0 {
		return
	}
	what := "this virtual server is"
	if len(b) > 1 {
		what = "this and the other blocks of LVS are"
	}
	r.Fail(b[0].At(), "start keepalived with --check, so that it does only the load balancing, and start ripcord run with --without-lvs: a reload cannot add it",
		"%s not served by ripcord: a router that answers for a service and does not forward it is an outage", what)
}
