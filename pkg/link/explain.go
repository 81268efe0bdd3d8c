package link

import (
	"context"
	"time"
)

// explainer asks drivers why a link has no carrier, once for each loss. Its
// questions may wait for the kernel's RTNL lock; by then the loss is published,
// and nobody waits for the answer.
type explainer struct {
	monitor *Monitor
	client  client
	targets []Target
}

func newExplainer(m *Monitor) *explainer {
	return &explainer{monitor: m, client: m.kernel.client()}
}

// run asks until ctx ends.
func (x *explainer) run(ctx context.Context) {
	defer x.client.Close()
	for ctx.Err() == nil {
		x.explain()
		select {
		case <-ctx.Done():
		case <-x.monitor.explaining:
		}
	}
}

// explain asks of all that has not been explained. A driver that cannot say has
// answered too.
func (x *explainer) explain() {
	m := x.monitor
	m.mu.Lock()
	x.targets = m.table.Unexplained(x.targets[:0])
	m.mu.Unlock()
	for _, target := range x.targets {
		why, _ := x.client.Reason(target.Device)
		m.observe(Explained{Index: target.Index, Birth: target.ID, Why: why}, time.Now())
	}
}
