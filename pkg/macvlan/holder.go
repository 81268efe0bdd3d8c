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
	// Mend gives a device its alias, its MTU and its VRF again.
	Mend(index int, s Shape) error
	// OtherDaemon reports whether another process here speaks VRRP.
	OtherDaemon() bool
	// Remove removes a link.
	Remove(index int) error
	// SetUp sets links up or down, all in one batch. An error says that not all
	// did turn.
	SetUp(indexes []int, up bool) error
	// Tune makes the kernel answer for the addresses of a device on that device, and not on
	// the links below it, which hear the same questions.
	Tune(below, device string, ipv6 bool, lower ...string) error
	// Restore gives the links that were tuned, but those to keep, the settings
	// back that they had.
	Restore(keep []string) error
}

// Config is what a Holder needs. All of it is required.
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
}

// Holder keeps the macvlans of instances.
type Holder struct {
	cfg     Config
	ledger  *ledger
	untuned []*device  // turned, and to be tuned again
	over    []Conflict // of devices that are wanted no more, for Apply to report
	dropped bool       // some device is wanted no more, and may be there
	retune  time.Time  // when settings that could not be written are tried again
}

// NewHolder returns a Holder that made nothing yet.
func NewHolder(cfg Config) *Holder { return &Holder{cfg: cfg, ledger: newLedger(cfg.Wanted)} }

// Outcome is what Apply changed, for those who put addresses on the devices.
type Outcome struct {
	Moved     []Moved // in their order
	Lost      bool    // the kernel may have removed addresses with a device
	Conflicts []Conflict
}

// Moved is the device of an instance that came, went, or was set up or down.
type Moved struct {
	Instance string
	Link     event.Link // without an index if it is gone
}

// Conflict is whether another link bears the virtual MAC of an instance, where that is
// news.
type Conflict struct {
	Cause    event.Cause
	Instance string
	Err      string // empty: no more
}

// Configure replaces the wanted devices. One that stays wanted is not touched; Apply removes
// the others, and makes the new ones.
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
		// The kernel makes no link-local address out of the virtual MAC once it is mended.
		if err := h.cfg.Kernel.Mend(v.index, h.ledger.shape(v)); err != nil {
			h.reportOnce(v, fmt.Sprintf("its IPv6 settings could not be changed: %v", err))
		}
		h.tune(v)
	}
}

// SeeLink takes a fact about a link.
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

// State is how a wanted device is.
type State struct {
	Wanted
	Link event.Link // without an index while it is not there
}

// Each yields all devices.
func (h *Holder) Each(yield func(State) bool) {
	for _, v := range h.ledger.all {
		if !yield(State{v.Wanted, v.link()}) {
			return
		}
	}
}

// Apply makes the devices agree with what is held. A device that was released is set down
// first of all: a device that is down neither answers nor sends, whatever stands on it still.
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
	if h.resolveConflicts(&out) { // one was refused for a link that conflicts with it
		h.turn(true, &out)
	}
	return out
}

// survey asks the kernel which links there are, if the ledger may be wrong.
func (h *Holder) survey(out *Outcome) {
	now := h.cfg.Now()
	if !h.ledger.stale || now.Before(h.ledger.retry) {
		return
	}
	h.ledger.audited = now
	all, err := h.cfg.Kernel.Links()
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

// turn sets up the devices of what is held, or sets down the others.
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
		h.survey(out) // some may have turned
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

// removeUnwanted removes what a crashed run left behind and nobody wants now.
func (h *Holder) removeUnwanted(out *Outcome) {
	if len(h.ledger.other) == 0 {
		return
	}
	for _, n := range h.ledger.other {
		v := &device{Wanted: Wanted{Device: Device{Name: n.Name, MAC: n.MAC}}, name: n.Name}
		made := h.ledger.made[n.Index]
		if made != nil { // by this run; its link has gone or was renamed, or it is wanted no more
			v.Instance, v.Below = made.Instance, made.Below
		}
		if err := h.cfg.Kernel.Remove(n.Index); err != nil {
			h.report(event.DeviceFailed, v, fmt.Sprintf("not wanted any more, and not removed: %v: remove it with ip link del %s", err, n.Name))
			continue
		}
		if (made == nil || made.dropped) && !h.ledger.vanishing(n) { // else it was reported when it was lost
			h.report(event.DeviceRemoved, v, "")
		}
	}
	h.ledger.other, out.Lost = nil, true
	if err := h.cfg.Kernel.Restore(h.ledger.links()); err != nil {
		h.report(event.DeviceFailed, &device{}, err.Error())
	}
}

// makeMissing makes the devices that are not there.
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
			// Made, and not found again where it should be: that must not go on and on.
			v.own = false
			h.vanish(v)
		}
	}
}

// vanishedMax is the longest wait until a device that vanished is made again.
const vanishedMax = time.Minute

// vanish reports a device that did not appear, and has it made again later and later.
func (h *Holder) vanish(v *device) {
	v.vanished++
	wait := min(retryEvery<<min(v.vanished, 10), vanishedMax)
	h.reportOnce(v, fmt.Sprintf("made, and not found on %s afterwards: something else removes or moves it", v.Below))
	v.retry = h.cfg.Now().Add(wait)
}

// mend restores settings of a device that others have changed, and follows changes of the
// link below.
func (h *Holder) mend(out *Outcome) {
	now := h.cfg.Now()
	for _, v := range h.ledger.altered(now) {
		v.mended = now
		if v.worn {
			// The kernel dropped its IPv6 settings; one that is made anew has no
			// link-local address of its own either.
			if err := h.cfg.Kernel.Remove(v.index); err != nil {
				h.reportOnce(v, fmt.Sprintf("not made anew after its MTU was below %d: %v", minMTU6, err))
			}
			h.ledger.doubt()
			continue
		}
		if err := h.cfg.Kernel.Mend(v.index, h.ledger.shape(v)); err != nil {
			h.reportOnce(v, fmt.Sprintf("%s could not be put right, tried again every %v: %v", strings.Join(v.wrong, ", "), retryEvery, err))
			continue
		}
		h.ledger.doubt()
		out.Lost = out.Lost || v.IPv6 // a link that is put into a VRF loses its IPv6 addresses
		h.publish(event.DeviceMoved{Kind: event.DeviceMended, What: strings.Join(v.wrong, ", ")}, v)
		h.tune(v)
	}
	h.survey(out)
}

// resolveConflicts removes the links that bear a virtual MAC of ours and that nobody
// uses any more, and reports the others: the kernel sets up one link with a MAC on a
// lower link, and the addresses of the instance would stand on one that is down. It
// reports whether it removed any. It does nothing until the kernel has been asked for
// the links again.
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
			v.retry = h.cfg.Now() // it may have been refused for this
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

// retuneEvery is how often settings that could not be written are tried again.
const retuneEvery = 10 * time.Second

// Tune writes the settings of the devices that were turned, since other programs may
// have changed them, and now and then those that could not be written.
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

// mistuned reports whether settings of a device are to be tried again.
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
		text = fmt.Sprintf("the virtual MAC %s needs settings that cannot be written, so that the MAC of %s may answer too: %v", v.text(), v.Below, err)
	}
	h.retune = h.cfg.Now().Add(retuneEvery)
	h.warn(v, text)
}

// warn reports that the settings that a device needs cannot be written, or that this is
// over if the text is empty.
func (h *Holder) warn(v *device, text string) {
	now := h.cfg.Now()
	h.cfg.Warnings.Set(text != "", event.Warning{
		Stamp:    event.Stamp{Cause: h.cfg.Minter.Cause(now), At: now},
		Instance: v.Instance, Reason: event.WarnSettings, Subject: v.Below, Text: text,
	})
}

// Dismantle removes all devices and gives the links below their settings back. It
// returns what could not be done.
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

// fail reports what could not be done for a device, and has it tried again after a while.
func (h *Holder) fail(v *device, why string) {
	v.retry = h.cfg.Now().Add(retryEvery)
	h.reportOnce(v, why)
}

// reportOnce reports a failure of a device unless it is the one last reported.
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
