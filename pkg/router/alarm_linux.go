package router

import (
	"context"
	"fmt"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/timerfd"
)

// fineAlarm is an Alarm with a finer resolution than Go's timers.
type fineAlarm struct {
	timer *timerfd.Timer
	bell  bus.Bell
}

var _ Alarm = (*fineAlarm)(nil)

// NewAlarm returns an Alarm that uses a timerfd. Its Run closes the timerfd.
func NewAlarm() (Alarm, error) {
	timer, err := timerfd.New()
	if err != nil {
		return nil, err
	}
	return &fineAlarm{timer: timer, bell: bus.NewBell()}, nil
}

// Set arms the timer; for an instant that has passed the alarm rings at once.
func (a *fineAlarm) Set(at time.Time) { a.timer.Set(time.Until(at)) }

// C is readable when the instant has come.
func (a *fineAlarm) C() <-chan struct{} { return a.bell }

// Run waits for the timer until ctx ends.
func (a *fineAlarm) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, a.timer.Interrupt)()
	defer a.timer.Close()
	for ctx.Err() == nil {
		if err := a.timer.Wait(); err == nil {
			a.bell.Ring()
		} else if ctx.Err() == nil {
			return fmt.Errorf("timerfd: %w", err)
		}
	}
	return nil
}
