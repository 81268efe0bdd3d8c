package daemon

import (
	"context"
	"time"

	"ripcord/pkg/deadline"
)

// each calls do once in each period, until ctx ends.
func each(ctx context.Context, period time.Duration, do func()) error {
	timer := time.NewTimer(time.Until(deadline.Coalesce(time.Now(), period)))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
			do()
			timer.Reset(time.Until(deadline.Coalesce(time.Now(), period)))
		}
	}
}
