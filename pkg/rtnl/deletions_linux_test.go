package rtnl

import (
	"context"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// TestWatchReportsWhetherItWorks checks that a watch which cannot open its socket passes the error
// on, and that one which receives says so.
func TestWatchReportsWhetherItWorks(t *testing.T) {
	for name, c := range map[string]struct {
		protocol int
		works    bool
	}{
		"no such protocol": {255, false},
		"routes":           {unix.NETLINK_ROUTE, true},
	} {
		outcome := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			all := []bpf.Instruction{bpf.RetConstant{Val: 1 << 16}}
			Deletions{Protocol: c.protocol, Filter: all, Asked: func(err error) {
				select {
				case outcome <- err:
				default:
				}
			}}.Watch(ctx, func() uint32 { return 0 }, func() {})
		}()
		select {
		case err := <-outcome:
			if (err == nil) != c.works {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: it reports nothing", name)
		}
		cancel()
		<-ended
	}
}
