package monitor

import (
	"context"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/nic"
	"ripcord/pkg/wakeup"
)

// idle is how long a goroutine without work sleeps unless it is woken.
const idle = time.Hour

// maxConfirm is the longest period to which the confirmer is stretched: the kernel's own
// announcement is at most that late.
const maxConfirm = time.Second

// longestWatched is the longest period at which the sleeper asks. With a longer one that saves
// nothing, and the cost of a question would be measured too seldom.
const longestWatched = 100 * time.Millisecond

// confirmer asks for the carrier, so that a loss that the kernel announces late is seen within the
// period of the link. While nothing changes it allocates nothing.
type confirmer struct {
	observer *observer
	client   client
	sleeper  sleeper
	schedule schedule
	answer   link.Answer     // reused
	failed   link.Unanswered // reused
	targets  []link.Target   // reused

	watch wakeup.Watch // of the links in the plan
	ups   int          // how many drivers have answered in this turn that there is a carrier
}

func newConfirmer(o *observer, c client, s sleeper) *confirmer {
	return &confirmer{observer: o, client: c, sleeper: s, schedule: newSchedule(o, maxConfirm)}
}

// run asks until ctx ends: first the links of a Verify, then those with hints, then those that are
// due.
func (c *confirmer) run(ctx context.Context) {
	defer c.client.Close()
	stop := context.AfterFunc(ctx, c.sleeper.wake)
	defer stop()
	ask := func(p link.Poll) { c.ask(p.Target) }
	for ctx.Err() == nil {
		c.verify()
		c.follow()
		c.plan()
		c.ups = 0
		c.rest(c.schedule.askDue(time.Now(), ask))
	}
}

// rest sleeps until the next question is due. If all links have just answered that they have a
// carrier, and are asked at one short period, the sleeper asks them meanwhile: that costs much less,
// since the goroutine does not wake. After the watch all are due and asked once more, so that a
// change is observed at once.
func (c *confirmer) rest(due time.Time) {
	every, one := c.schedule.period()
	if !one || every > longestWatched || c.ups == 0 || c.ups != len(c.watch.Questions) {
		c.sleeper.sleep(due)
		return
	}
	c.watch.Every, c.watch.Limit = every, maxOutlier*every/share
	c.sleeper.watch(&c.watch)
}

// verify answers the tickets of all Verifies after it has asked each of their links once.
func (c *confirmer) verify() {
	requests, targets := c.observer.takeRequests(c.targets[:0])
	c.targets = targets
	for _, target := range targets {
		c.ask(target)
		if target.MII {
			c.askMII(target)
		}
	}
	for _, r := range requests {
		c.observer.answer(r.ticket)
	}
}

// follow asks the links of which the kernel has reported a change.
func (c *confirmer) follow() {
	c.targets = c.observer.takeHinted(c.targets[:0])
	for _, target := range c.targets {
		c.ask(target)
	}
}

// plan takes over the list of links to ask if it has changed.
func (c *confirmer) plan() {
	targets, changed := c.observer.confirmPlan(c.targets[:0])
	if !changed {
		return
	}
	c.targets = targets
	polls, devices := make([]link.Poll, len(targets)), make([]nic.Device, len(targets))
	for i, target := range targets {
		polls[i] = link.Poll{Target: target, Source: event.Confirm}
		devices[i] = target.Device
	}
	c.schedule.plan(polls)
	c.schedule.together()
	c.watch.Questions = c.client.Questions(devices)
}

// ask asks one link and records the answer at once.
func (c *confirmer) ask(target link.Target) {
	up, known, glink := c.client.Carrier(target.Device)
	if up && glink {
		c.ups++
	}
	if !known {
		c.unanswered(target, event.Confirm)
		return
	}
	c.answer = link.Answer{Source: event.Confirm, Index: target.Index, Birth: target.ID, Up: up}
	c.observer.observe(&c.answer, time.Now())
}

// askMII asks the transceiver of one link.
func (c *confirmer) askMII(target link.Target) {
	status, err := c.client.MIIStatus(target.Device)
	if err != nil {
		c.unanswered(target, event.MII)
		return
	}
	c.answer = link.Answer{Source: event.MII, Index: target.Index, Birth: target.ID, Up: status.Up, Flapped: status.Flapped}
	c.observer.observe(&c.answer, time.Now())
}

// unanswered records that a question was not answered.
func (c *confirmer) unanswered(target link.Target, source event.Source) {
	c.failed = link.Unanswered{Source: source, Index: target.Index, Birth: target.ID}
	c.observer.observe(&c.failed, time.Now())
}
