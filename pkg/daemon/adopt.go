package daemon

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/adopt"
	"ripcord/pkg/config"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// A daemon records which groups are Active, and the next daemon continues as Active with them if
// this one dies or hands over (docs/architecture.md#adoption).

// inheritance is the record of adverts of the previous daemon, and the record for the next one.
type inheritance struct {
	record *adopt.Record // nil: no record can be kept
	past   *adopt.Past
	err    error          // why no record can be kept, or why the previous daemon's cannot be used
	left   addr.Leftovers // lists what the previous daemon left in the kernel
	waits  time.Duration  // how long after its start the daemon waits, because earlier ones crashed

	crowded atomic.Bool // it was reported that there is no room for the record
	publish func(event.Event)
}

const (
	// adoptWithin limits the wait for the state of the links while a group may be adopted.
	adoptWithin = 2 * time.Second
	// crashWait is how long a daemon waits after repeated crashes.
	crashWait = time.Second
	// refreshEvery is how often the record compares its clocks and, if it has no room, tries again.
	refreshEvery = 10 * time.Second
)

var (
	// errUnlocked is the error of a record without a lock: two daemons could write it.
	errUnlocked = errors.New("the network namespace could not be locked by a file")
	errCrashes  = errors.New("the daemon has crashed several times in a row")
)

// openRecord opens the record in a directory for the only daemon of the network namespace.
func openRecord(dir string, lock *Lock, publish func(event.Event)) *inheritance {
	in := &inheritance{past: &adopt.Past{}, err: errUnlocked, publish: publish}
	if lock.file == nil {
		return in
	}
	in.record, in.past, in.err = adopt.Open(record(dir) + ".adverts")
	return in
}

// Close closes the record.
func (in *inheritance) Close() error { return in.record.Close() }

// keep starts recording the adverts of a configuration. It returns the Active instances whose
// configuration has changed: the next daemon could not adopt them before their next advert.
func (in *inheritance) keep(c *config.Config) (changed []string) {
	digests := digestsOf(c)
	var keys []adopt.Key
	for i := range c.Groups {
		g := &c.Groups[i]
		for j := range g.Members {
			keys = append(keys, adopt.KeyOf(&g.Members[j], digests[g.Title()]))
		}
	}
	changed, err := in.record.Keep(keys)
	in.reportRoom(err)
	return changed
}

// reportRoom reports that there is no room for the record, or that there is room again.
func (in *inheritance) reportRoom(err error) {
	switch stamp := (event.Stamp{At: time.Now()}); {
	case err != nil && !in.crowded.Swap(true):
		in.publish(event.DaemonRecord{Stamp: stamp, Err: err.Error()})
	case err == nil && in.crowded.Swap(false):
		in.publish(event.DaemonRecord{Stamp: stamp, Kept: true})
	}
}

// goOn records that the adopted groups have been Active since before this daemon, and the recalled
// Actives, in case this daemon dies before its router has recorded them.
func (in *inheritance) goOn(c *config.Config, adopted []vrrp.Adopted, recalled []vrrp.Recalled) {
	for _, r := range recalled {
		in.record.Actives(r.Instance, r.Actives)
	}
	for i := range adopted {
		for _, name := range membersOf(c, adopted[i:i+1]) {
			in.record.GoOn(name, adopted[i].Since, adopted[i].Until)
		}
	}
}

// refresh compares the clocks of the record until ctx ends, and looks whether there is room for it
// if there was none. Then found is called.
func (in *inheritance) refresh(ctx context.Context, found func()) error {
	return each(ctx, refreshEvery, func() {
		in.record.Refresh()
		if in.record.Retry() {
			in.reportRoom(nil)
			found()
		}
	})
}

// digestsOf returns the digest of each group, including everything that its members hold.
func digestsOf(c *config.Config) map[string]adopt.Digest {
	sets, digests := setsOf(c), make(map[string]adopt.Digest)
	for i := range c.Groups {
		g := &c.Groups[i]
		parts := []any{g}
		for j := range g.Members {
			parts = append(parts, sets[g.Members[j].Name])
		}
		digests[g.Title()] = adopt.DigestOf(parts...)
	}
	return digests
}

// setsOf returns the set that each instance holds as Active.
func setsOf(c *config.Config) map[string]*addr.Set {
	sets := make(map[string]*addr.Set)
	for i := range c.Sets {
		sets[c.Sets[i].Instance] = &c.Sets[i]
	}
	return sets
}

// await waits until the state of the links is known if a group may be adopted: without adoption the
// leftovers are removed at once.
func (in *inheritance) await(ctx context.Context, known <-chan struct{}) {
	if !in.past.Active() {
		return
	}
	timer := time.NewTimer(adoptWithin)
	defer timer.Stop()
	select {
	case <-known:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// judge returns the groups to adopt, and reports those that were Active and are not adopted.
func (in *inheritance) judge(c *config.Config, cause event.Cause) (groups []vrrp.Adopted) {
	if in.record == nil || !in.past.Active() {
		return nil
	}
	digests, sets := digestsOf(c), setsOf(c)
	stands, err := in.left.List()
	if in.waits > 0 {
		err = errCrashes
	}
	for i := range c.Groups {
		candidate := &adopt.Candidate{Group: &c.Groups[i], Digest: digests[c.Groups[i].Title()]}
		if candidate.Lacks = lacks(&stands, candidate.Group, sets); err != nil {
			candidate.Lacks = err.Error()
		}
		v := in.past.Judge(candidate, in.record.Now())
		switch {
		case !v.Was:
		case v.Why != "":
			in.publish(event.GroupUnadopted{
				Stamp: event.Stamp{Cause: cause, At: time.Now()}, Group: candidate.Title(), Why: v.Why, Handover: in.past.Handover,
			})
		default:
			groups = append(groups, vrrp.Adopted{
				Cause: cause, Group: candidate.Title(), Last: in.record.Time(v.Last), Until: in.record.Time(v.Until),
				Since: in.record.Time(v.Since), Priority: v.Priority, Handover: in.past.Handover,
			})
		}
	}
	return groups
}

// recall returns the Actives that the previous daemon had heard for groups with a fence, and reports
// them.
func (in *inheritance) recall(c *config.Config, cause event.Cause) (all []vrrp.Recalled) {
	if in.record == nil {
		return nil
	}
	age, counts := in.past.Age(in.record.Now())
	for i := range c.Groups {
		g := &c.Groups[i]
		for j := range g.Members {
			list := in.past.Actives(&g.Members[j])
			if g.Fence == nil || len(list) == 0 {
				continue
			}
			for _, a := range list {
				in.publish(event.FenceRecalled{
					Stamp: event.Stamp{Cause: cause, At: time.Now()}, Virtual: g.Members[j].Virtual, Active: a.Source, Age: age, Within: adopt.RecallWithin,
				})
			}
			if counts {
				all = append(all, vrrp.Recalled{Cause: cause, Instance: g.Members[j].Name, Actives: list})
			}
		}
	}
	return all
}

// lacks returns the first address, route or rule that a group holds as Active and that the kernel
// does not have; empty if none is missing.
func lacks(stands *addr.Standings, g *vrrp.Group, sets map[string]*addr.Set) string {
	for i := range g.Members {
		if set := sets[g.Members[i].Name]; set != nil {
			if what := stands.Lacks(set); what != "" {
				return what
			}
		}
	}
	return ""
}

// membersOf returns the names of all instances of the adopted groups.
func membersOf(c *config.Config, adopted []vrrp.Adopted) (names []string) {
	chosen := make(map[string]bool)
	for _, g := range adopted {
		chosen[g.Group] = true
	}
	for i := range c.Groups {
		if g := &c.Groups[i]; chosen[g.Title()] {
			for j := range g.Members {
				names = append(names, g.Members[j].Name)
			}
		}
	}
	return names
}

// report reports errors of the record, and whether the daemon crashes repeatedly.
func (in *inheritance) report() {
	stamp := event.Stamp{At: time.Now()}
	switch {
	case errors.Is(in.err, adopt.ErrRoom):
		in.reportRoom(in.err)
	case in.err != nil:
		in.publish(event.DaemonRecord{Stamp: stamp, Err: in.err.Error(), Kept: in.record != nil})
	}
	if in.record != nil && in.past.CrashesAgain(in.record.Now()) {
		in.waits = crashWait
		in.publish(event.DaemonCrashes{Stamp: stamp, Count: adopt.Crashes, Window: adopt.CrashWindow, Wait: crashWait})
	}
}

// wait waits if the daemon crashes repeatedly. By its end the leftovers of others are removed.
func (in *inheritance) wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(in.waits):
	}
}
