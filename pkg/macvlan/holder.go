package macvlan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
)

// Kernel makes, removes and lists the links that bear virtual MACs.
type Kernel interface {
	// Links returns all links.
	Links() ([]Link, error)
	// Make makes a device that is down and marks it as ours.
	Make(s Shape) error
	// Mend restores the alias, the MTU and the VRF of a device.
	Mend(index int, s Shape) error
	// OtherDaemon reports whether another process here speaks VRRP.
	OtherDaemon() bool
	// Remove removes a link.
	Remove(index int) error
	// SetUp sets links up or down, all in one batch. After an error not all of them may have changed.
	SetUp(indexes []int, up bool) error
	// Tune makes the kernel answer for the addresses of a device on that device, and not on the
	// links below it, which receive the same questions.
	Tune(below, device string, ipv6 bool, lower ...string) error
	// Restore restores the original settings of the links that were tuned, except those to keep.
	Restore(keep []string) error
}

// Config is the configuration of a Holder. All of it but Questions is required.
type Config struct {
	Wanted []Wanted
	// Held reports whether an instance is held.
	Held func(instance string) bool
	// InUse reports whether a link has, or may have, an address that is not ours to hold.
	InUse    func(index int) bool
	Kernel   Kernel
	Events   *bus.Topic[event.Event]
	Warnings *event.Warnings
	Minter   *event.Minter
	Now      func() time.Time
	// Questions records the questions to the kernel that fail; nil: nowhere.
	Questions *event.Questions
}

// Holder keeps the macvlans of instances.
type Holder struct {
	cfg     Config
	ledger  *ledger
	untuned []*device  // devices that were set up or down, and have to be tuned again
	over    []Conflict // of devices that are no longer wanted, for Apply to report
	dropped bool       // some device is no longer wanted, and may exist
	retune  time.Time  // the next attempt at settings that could not be written
}

// NewHolder returns a Holder that has made nothing yet.
func NewHolder(cfg Config) *Holder { return &Holder{cfg: cfg, ledger: newLedger(cfg.Wanted)} }

// Outcome is the changes of one Apply, for the packages that add addresses to the devices.
type Outcome struct {
	Moved     []Moved // in their order
	Lost      bool    // the kernel may have removed addresses with a device
	Conflicts []Conflict
}

// Moved is the device of an instance that appeared, disappeared, or was set up or down.
type Moved struct {
	Instance string
	Link     event.Link // without an index if it is gone
}

// Conflict reports a change: whether another link has the virtual MAC of an instance.
type Conflict struct {
	Cause    event.Cause
	Instance string
	Err      string // empty: there is none any more
}

// Configure replaces the wanted devices. One that stays wanted is not touched; Apply removes the
// others, and makes the new ones.
func (h *Holder) Configure(wanted []Wanted) {
	gone, changed := h.ledger.configure(wanted)
	for _, v := range gone {
		h.dropped = true
		h.untuned = slices.DeleteFunc(h.untuned, func(u *device) bool { return u == v })
		h.warn(v, "")
		if v.fault != "" {
			h.over = append(h.over, Conflict{h.cfg.Minter.Cause(h.cfg.Now()), v.Instance, ""})
		}
	}
	for _, v := range changed {
		if v.index == 0 {
			continue
		}
		// After Mend the kernel makes no link-local address from the virtual MAC.
		if err := h.cfg.Kernel.Mend(v.index, h.ledger.shape(v)); err != nil {
			h.reportOnce(v, fmt.Sprintf("its IPv6 settings could not be changed: %v", err))
		}
		h.tune(v)
	}
}

// SeeLink records a fact about a link.
func (h *Holder) SeeLink(fact event.Link) { h.ledger.see(fact) }

// Deadline returns when Apply or Tune has something to do if nothing happens.
func (h *Holder) Deadline() (time.Time, bool) {
	due, ok := h.ledger.deadline(h.cfg.Held)
	if audit, yes := h.ledger.nextAudit(); yes && (!ok || audit.Before(due)) {
		due, ok = audit, true
	}
	if h.mistuned() && (!ok || h.retune.Before(due)) {
		due, ok = h.retune, true
	}
	return due, ok
}

// State is the state of a wanted device.
type State struct {
	Wanted
	Link event.Link // without an index while it does not exist
}

// Each yields all devices.
func (h *Holder) Each(yield func(State) bool) {
	for _, v := range h.ledger.all {
		if !yield(State{v.Wanted, v.link()}) {
			return
		}
	}
}

// Apply makes the devices agree with what is held. It first sets down the devices of released
// instances: a device that is down neither answers nor sends, whatever addresses it still has.
func (h *Holder) Apply() (out Outcome) {
	out.Conflicts, h.over = h.over, nil
	h.ledger.audit(h.cfg.Now())
	h.survey(&out)
	h.turn(false, &out)
	h.removeUnwanted(&out)
	h.mend(&out)
	h.resolveConflicts(&out)
	h.makeMissing(&out)
	h.turn(true, &out)
	if h.resolveConflicts(&out) { // a device was refused because another link conflicts with it
		h.turn(true, &out)
	}
	return out
}

// survey asks the kernel for its links if the ledger may be wrong.
func (h *Holder) survey(out *Outcome) {
	now := h.cfg.Now()
	if !h.ledger.stale || now.Before(h.ledger.retry) {
		return
	}
	h.ledger.audited = now
	all, err := h.cfg.Kernel.Links()
	h.cfg.Questions.Asked(event.AskMacvlans, err, now)
	if err != nil {
		h.ledger.retry = now.Add(retryEvery)
		return
	}
	for _, v := range h.ledger.observe(all) {
		out.move(v)
		switch {
		case v.index == 0:
			v.own = false
			h.report(event.DeviceRemoved, v, "")
		case !v.own:
			v.own = true
			h.report(event.DeviceAdopted, v, "")
			h.tune(v)
		}
	}
}

func (out *Outcome) move(v *device) { out.Moved = append(out.Moved, Moved{v.Instance, v.link()}) }

// turn sets up the devices of held instances, or sets down the others.
func (h *Holder) turn(up bool, out *Outcome) {
	turned := h.ledger.turned(h.cfg.Now(), up, h.cfg.Held)
	if len(turned) == 0 {
		return
	}
	indexes := make([]int, len(turned))
	for i, v := range turned {
		indexes[i] = v.index
	}
	err := h.cfg.Kernel.SetUp(indexes, up)
	if err != nil {
		h.ledger.doubt()
		h.survey(out) // some may have changed
	}
	for _, v := range turned {
		switch {
		case err == nil:
			v.up = up
			out.move(v)
			h.untuned = append(h.untuned, v)
		case v.index != 0 && v.up != up:
			h.fail(v, fmt.Sprintf("not set %s, tried again every %v: %v", upOrDown(up), retryEvery, err))
		}
		// The kernel drops the IPv6 addresses of a link that is set down.
		out.Lost = out.Lost || !up && v.IPv6
	}
}

func upOrDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

// removeUnwanted removes devices that a crashed run left behind and that are not wanted now.
func (h *Holder) removeUnwanted(out *Outcome) {
	if len(h.ledger.other) == 0 {
		return
	}
	for _, n := range h.ledger.other {
		v := &device{Wanted: Wanted{Device: Device{Name: n.Name, MAC: n.MAC}}, name: n.Name}
		made := h.ledger.made[n.Index]
		if made != nil { // this run made it; its link has gone or was renamed, or it is no longer wanted
			v.Instance, v.Below = made.Instance, made.Below
		}
		if err := h.cfg.Kernel.Remove(n.Index); err != nil {
			h.report(event.DeviceFailed, v, fmt.Sprintf("not wanted any more, and not removed: %v: remove it with ip link del %s", err, n.Name))
			continue
		}
		if (made == nil || made.dropped) && !h.ledger.vanishing(n) { // otherwise it was reported when it was lost
			h.report(event.DeviceRemoved, v, "")
		}
	}
	h.ledger.other, out.Lost = nil, true
	if err := h.cfg.Kernel.Restore(h.ledger.links()); err != nil {
		h.report(event.DeviceFailed, &device{}, err.Error())
	}
}

// makeMissing makes the missing devices.
func (h *Holder) makeMissing(out *Outcome) {
	missing := h.ledger.missing(h.cfg.Now())
	for _, v := range missing {
		s := h.ledger.fresh(v)
		if err := h.cfg.Kernel.Make(s); err != nil {
			h.fail(v, fmt.Sprintf("not made, tried again every %v: %v", retryEvery, err))
			continue
		}
		v.own, v.name = true, s.Name
		h.ledger.doubt()
	}
	h.survey(out)
	for _, v := range missing {
		switch {
		case v.index != 0:
			v.failure = ""
			h.report(event.DeviceAdded, v, "")
			h.tune(v)
		case v.own && !h.ledger.stale:
			// The device was made, and not found again where it should be: this must not repeat for
			// ever.
			v.own = false
			h.vanish(v)
		}
	}
}

// maxVanished is the longest wait until a device that vanished is made again.
const maxVanished = time.Minute

// vanish reports a device that did not appear, and delays each further attempt to make it.
func (h *Holder) vanish(v *device) {
	v.vanished++
	wait := min(retryEvery<<min(v.vanished, 10), maxVanished)
	h.reportOnce(v, fmt.Sprintf("made, and not found on %s afterwards: another program removes or moves it", v.Below))
	v.retry = h.cfg.Now().Add(wait)
}

// mend restores settings of a device that other programs have changed, and follows changes of the
// link below.
func (h *Holder) mend(out *Outcome) {
	now := h.cfg.Now()
	for _, v := range h.ledger.altered(now) {
		v.mended = now
		if v.worn {
			// The kernel dropped its IPv6 settings; a device that is made again also has no
			// link-local address of its own.
			if err := h.cfg.Kernel.Remove(v.index); err != nil {
				h.reportOnce(v, fmt.Sprintf("not made again after its MTU was below %d: %v", minMTU6, err))
			}
			h.ledger.doubt()
			continue
		}
		if err := h.cfg.Kernel.Mend(v.index, h.ledger.shape(v)); err != nil {
			h.reportOnce(v, fmt.Sprintf("%s could not be corrected, tried again every %v: %v", strings.Join(v.wrong, ", "), retryEvery, err))
			continue
		}
		h.ledger.doubt()
		out.Lost = out.Lost || v.IPv6 // a link that is put into a VRF loses its IPv6 addresses
		h.publish(event.DeviceMoved{Kind: event.DeviceMended, What: strings.Join(v.wrong, ", ")}, v)
		h.tune(v)
	}
	h.survey(out)
}

// resolveConflicts removes the unused links that bear a virtual MAC of ours, and reports the
// others: the kernel sets up only one link with a MAC on a lower link, and the addresses of the
// instance would be on one that is down. It reports whether it removed any. It does nothing until
// the kernel has been asked for the links again.
func (h *Holder) resolveConflicts(out *Outcome) (removed bool) {
	if !h.ledger.looked {
		return false
	}
	removed = h.removeLeftBehind(out)
	h.ledger.looked = false
	for _, v := range h.ledger.all {
		if why := h.ledger.conflict(v); why != v.fault {
			v.fault = why
			out.Conflicts = append(out.Conflicts, Conflict{h.cfg.Minter.Cause(h.cfg.Now()), v.Instance, why})
		}
	}
	return removed
}

// removeLeftBehind removes conflicting links that were left behind and are not used.
func (h *Holder) removeLeftBehind(out *Outcome) (removed bool) {
	for _, v := range h.ledger.all {
		for _, n := range v.rivals {
			if !v.leftBehind(n) || h.ledger.made[n.Index] != nil || h.cfg.InUse(n.Index) || h.cfg.Kernel.OtherDaemon() {
				continue
			}
			v.retry = h.cfg.Now() // the device may have been refused because of this link
			if err := h.cfg.Kernel.Remove(n.Index); err != nil {
				h.fail(v, fmt.Sprintf("the link %s bears its MAC, was left behind by another program, and was not removed: %v", n.Name, err))
				continue
			}
			removed = true
			h.report(event.DeviceReplaced, &device{Wanted: Wanted{Device: Device{MAC: n.MAC}, Instance: v.Instance, Below: v.Below}, name: n.Name}, "")
		}
	}
	if removed {
		out.Lost = true
		h.ledger.doubt()
		h.survey(out)
	}
	return removed
}

// retuneEvery is the period of attempts at settings that could not be written.
const retuneEvery = 10 * time.Second

// Tune writes the settings of the devices that were set up or down, since other programs may have
// changed them, and periodically those that could not be written.
func (h *Holder) Tune() {
	for _, v := range h.untuned {
		if v.up {
			h.tune(v)
		}
	}
	h.untuned = h.untuned[:0]
	if now := h.cfg.Now(); !now.Before(h.retune) {
		for _, v := range h.ledger.all {
			if v.mistuned && v.index != 0 {
				h.tune(v)
			}
		}
	}
}

// mistuned reports whether settings of a device have to be tried again.
func (h *Holder) mistuned() bool {
	return slices.ContainsFunc(h.ledger.all, func(v *device) bool { return v.mistuned && v.index != 0 })
}

func (h *Holder) tune(v *device) {
	var lowest []string
	if n := h.ledger.lowest[v.Below]; n.Index != 0 {
		lowest = append(lowest, n.Name)
	}
	err := h.cfg.Kernel.Tune(v.Below, v.name, v.IPv6, lowest...)
	v.mistuned = err != nil
	text := ""
	if err != nil {
		text = fmt.Sprintf("the virtual MAC %s needs settings that cannot be written, so %s may also answer with its own MAC: %v", v.text(), v.Below, err)
	}
	h.retune = h.cfg.Now().Add(retuneEvery)
	h.warn(v, text)
}

// warn reports that the settings that a device needs cannot be written, or that this is over if the
// text is empty.
func (h *Holder) warn(v *device, text string) {
	now := h.cfg.Now()
	h.cfg.Warnings.Set(text != "", event.Warning{
		Stamp:    event.Stamp{Cause: h.cfg.Minter.Cause(now), At: now},
		Instance: v.Instance, Reason: event.WarnSettings, Subject: v.Below, Text: text,
	})
}

// Dismantle removes all devices and restores the settings of the links below. It returns what
// failed.
func (h *Holder) Dismantle() (left []string) {
	if len(h.ledger.all) == 0 && !h.dropped {
		return nil
	}
	var out Outcome
	h.ledger.doubt()
	h.survey(&out)
	h.removeUnwanted(&out)
	for _, v := range h.ledger.all {
		if v.index == 0 {
			continue
		}
		if err := h.cfg.Kernel.Remove(v.index); err != nil {
			left = append(left, fmt.Sprintf("the link %s (%v)", v.name, err))
			continue
		}
		v.index = 0
		h.report(event.DeviceRemoved, v, "")
	}
	if err := h.cfg.Kernel.Restore(nil); err != nil {
		left = append(left, fmt.Sprintf("settings (%v)", err))
	}
	return left
}

// fail reports a failure about a device, and schedules another attempt.
func (h *Holder) fail(v *device, why string) {
	v.retry = h.cfg.Now().Add(retryEvery)
	h.reportOnce(v, why)
}

// reportOnce reports a failure of a device unless it was the last one reported.
func (h *Holder) reportOnce(v *device, why string) {
	if v.failure != why {
		v.failure = why
		h.report(event.DeviceFailed, v, why)
	}
}

func (h *Holder) report(kind event.DeviceKind, v *device, why string) {
	h.publish(event.DeviceMoved{Kind: kind, Err: why}, v)
}

func (h *Holder) publish(e event.DeviceMoved, v *device) {
	now := h.cfg.Now()
	e.Stamp = event.Stamp{Cause: h.cfg.Minter.Cause(now), At: now}
	e.Instance, e.Device, e.Below, e.MAC = v.Instance, v.name, v.Below, v.MAC
	h.cfg.Events.Publish(e)
}
