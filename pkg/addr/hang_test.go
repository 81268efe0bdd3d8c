package addr

import (
	"testing"
	"testing/synctest"
	"time"
)

// blocking is a kernel that does not answer adds until its gate is closed.
type blocking struct {
	*fakeKernel
	gate chan struct{}
}

func (b blocking) AddBatch(ops []Op) error {
	<-b.gate
	return b.fakeKernel.AddBatch(ops)
}

// TestWorkerShowsThatItHangs requires that a worker that is stuck in a system call shows it: its
// orders do not count as executed, and it makes no progress, though it is woken. Then both
// continue.
func TestWorkerShowsThatItHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(2, Announce{Count: 1}))
		gate := make(chan struct{})
		r.cfg.Kernel = blocking{r.kernel, gate}
		before := r.Turns()
		r.Wake()
		synctest.Wait()
		if r.Turns() == before {
			t.Error("no progress though nothing hangs")
		}
		r.do(Reannounce, "a")
		r.do(Hold, "a")
		before = r.Turns()
		r.do(Release, "a")
		r.Wake()
		r.pass(time.Minute)
		if n := r.Executed(); n != 1 {
			t.Errorf("%d orders were executed, want 1", n)
		}
		if n := r.Turns() - before; n != 0 {
			t.Errorf("progress by %d while the worker hangs", n)
		}
		close(gate)
		synctest.Wait()
		if n := r.Executed(); n != 3 || r.Turns() == before {
			t.Errorf("%d orders were executed, want 3; progress %d", n, r.Turns()-before)
		}
		expect(t, "what the end leaves", r.stop(), nil)
	})
}
