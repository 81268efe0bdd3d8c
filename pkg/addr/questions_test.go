package addr

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
)

// TestListThatFailsIsReported checks that a list of addresses that the kernel refuses to send is
// reported while that lasts, and that the worker continues to ask for it.
func TestListThatFailsIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(2, Announce{Count: 1}))
		r.do(Hold, "a")
		refuse := func(err error) { r.kernel.with(func() { r.kernel.stuck, r.kernel.unlisted = err, err }) }
		refuse(errors.New("no buffer space available"))
		r.do(Release, "a") // a removal that fails makes the worker list the addresses
		if time.Sleep(time.Second); len(r.cfg.Warnings.Of(event.MachineName)) != 0 {
			t.Error("a failure is reported at once")
		}
		time.Sleep(10 * time.Second)
		all := r.cfg.Warnings.Of(event.MachineName)
		if len(all) != 1 || all[0].Subject != string(event.AskOwnAddresses) {
			t.Errorf("reported are %+v", all)
		}
		refuse(nil)
		if time.Sleep(5 * time.Second); len(r.cfg.Warnings.Of(event.MachineName)) != 0 {
			t.Error("it is still reported although the kernel answers")
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
