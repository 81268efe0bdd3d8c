package monitor

import (
	"context"
	"time"

	"ripcord/pkg/link"
)

// explainer asks drivers why a link has no carrier, once for each loss. Its questions may wait for
// the kernel's RTNL lock; by then the loss is published, and no other goroutine waits for the
// answer.
type explainer struct {
	observer *observer
	client   client
	targets  []link.Target // reused
}

func newExplainer(o *observer, c client) *explainer { return &explainer{observer: o, client: c} }

// run asks until ctx ends.
func (x *explainer) run(ctx context.Context) {
	defer x.client.Close()
	for ctx.Err() == nil {
		x.explain()
		select {
		case <-ctx.Done():
		case <-x.observer.explaining:
		}
	}
}

// explain asks about all outages that have not been explained. An empty reason is an answer too.
func (x *explainer) explain() {
	x.targets = x.observer.unexplained(x.targets[:0])
	for _, target := range x.targets {
		reason, _ := x.client.Reason(target.Device)
		x.observer.observe(link.Explained{Index: target.Index, Birth: target.ID, Reason: reason}, time.Now())
	}
}
