package addr

import (
	"fmt"
	"strings"
	"time"

	"ripcord/pkg/event"
)

// arrange makes the devices agree with what is held. What was released falls
// silent first of all: a device that is down neither answers nor sends, whatever
// stands on it still.
func (w *Worker) arrange() {
	w.devices.audit(w.cfg.Now())
	w.survey()
	w.turnDevices(false)
	w.clearDevices()
	w.mendDevices()
	w.resolveConflicts()
	w.makeDevices()
	w.turnDevices(true)
	if w.resolveConflicts() { // one was refused for a link that was in its way
		w.turnDevices(true)
	}
}

// survey asks the kernel which links there are, if the devices may be wrong.
func (w *Worker) survey() {
	now := w.cfg.Now()
	if !w.devices.stale || now.Before(w.devices.retry) {
		return
	}
	w.devices.audited = now
	all, err := w.cfg.Devices.Links()
	if err != nil {
		w.devices.retry = now.Add(deviceRetry)
		return
	}
	for _, v := range w.devices.observe(all) {
		w.attach(v)
		switch {
		case v.index == 0:
			v.own = false
			w.tellDevice(event.DeviceRemoved, v, "")
		case !v.own:
			v.own = true
			w.tellDevice(event.DeviceAdopted, v, "")
			w.tune(v)
		}
	}
}

// attach tells the ledger what became of a device.
func (w *Worker) attach(v *device) {
	w.dirty = w.ledger.attach(v.handle, v.fact()) || w.dirty
}

// turnDevices sets up the devices of what is held, or sets down the others.
func (w *Worker) turnDevices(up bool) {
	turned := w.devices.turned(w.cfg.Now(), up, w.ledger.held)
	if len(turned) == 0 {
		return
	}
	indexes := make([]int, len(turned))
	for i, v := range turned {
		indexes[i] = v.index
	}
	err := w.cfg.Devices.SetUp(indexes, up)
	if err != nil {
		w.devices.doubt()
		w.survey() // some may have turned
	}
	for _, v := range turned {
		switch {
		case err == nil:
			v.up = up
			w.attach(v)
			w.untuned = append(w.untuned, v)
		case v.index != 0 && v.up != up:
			w.trouble(v, fmt.Sprintf("not set %s, tried again every %v: %v", updown(up), deviceRetry, err))
		}
		// The kernel drops the IPv6 addresses of a link that is set down.
		w.dirty = w.dirty || !up && v.ipv6
	}
}

func updown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

// clearDevices removes what a crashed run left behind and nobody wants now.
func (w *Worker) clearDevices() {
	if len(w.devices.other) == 0 {
		return
	}
	for _, n := range w.devices.other {
		v := &device{Device: Device{Name: n.Name, MAC: n.MAC}, name: n.Name}
		made := w.devices.made[n.Index]
		if made != nil { // by this run, and its link has gone or was renamed
			v.instance, v.below = made.instance, made.below
		}
		if err := w.cfg.Devices.Remove(n.Index); err != nil {
			w.tellDevice(event.DeviceFailed, v, fmt.Sprintf("not wanted any more, and not removed: %v: remove it with ip link del %s", err, n.Name))
			continue
		}
		if made == nil && !w.devices.vanishing(n) { // else it was reported when it was lost
			w.tellDevice(event.DeviceRemoved, v, "")
		}
	}
	w.devices.other, w.dirty = nil, true
	if err := w.cfg.Devices.Restore(w.devices.links()); err != nil {
		w.tellDevice(event.DeviceFailed, &device{}, err.Error())
	}
}

func (w *Worker) makeDevices() {
	missing := w.devices.missing(w.cfg.Now())
	for _, v := range missing {
		m := w.devices.make(v)
		if err := w.cfg.Devices.Make(m); err != nil {
			w.trouble(v, fmt.Sprintf("not made, tried again every %v: %v", deviceRetry, err))
			continue
		}
		v.own, v.name = true, m.Name
		w.devices.doubt()
	}
	w.survey()
	for _, v := range missing {
		switch {
		case v.index != 0:
			v.trouble = ""
			w.tellDevice(event.DeviceAdded, v, "")
			w.tune(v)
		case v.own && !w.devices.stale:
			// Made, and not found again where it should be: that must not go on and on.
			v.own = false
			w.vanished(v)
		}
	}
}

// vanishedMax is the longest wait until a device that vanished is made again.
const vanishedMax = time.Minute

// vanished reports a device that did not appear, and has it made again later and
// later.
func (w *Worker) vanished(v *device) {
	v.vanished++
	wait := min(deviceRetry<<min(v.vanished, 10), vanishedMax)
	w.complain(v, fmt.Sprintf("made, and not found on %s afterwards: something else removes or moves it", v.below))
	v.retry = w.cfg.Now().Add(wait)
}

// mendDevices puts right what others changed of a device, and what follows from a
// change of the link below.
func (w *Worker) mendDevices() {
	now := w.cfg.Now()
	for _, v := range w.devices.bent(now) {
		v.mended = now
		if v.worn {
			// The kernel dropped its IPv6 settings; one that is made anew has no
			// link-local address of its own either.
			if err := w.cfg.Devices.Remove(v.index); err != nil {
				w.complain(v, fmt.Sprintf("not made anew after its MTU was below %d: %v", minMTU6, err))
			}
			w.devices.doubt()
			continue
		}
		if err := w.cfg.Devices.Mend(v.index, w.devices.shape(v)); err != nil {
			w.complain(v, fmt.Sprintf("%s could not be put right, tried again every %v: %v", strings.Join(v.wrong, ", "), deviceRetry, err))
			continue
		}
		w.devices.doubt()
		w.dirty = w.dirty || v.ipv6 // an enslaved link loses its IPv6 addresses
		w.publishDevice(event.DeviceMoved{Kind: event.DeviceMended, What: strings.Join(v.wrong, ", ")}, v)
		w.tune(v)
	}
	w.survey()
}

// tuneAgain writes the settings of devices that were turned: other software may
// have changed them since.
func (w *Worker) tuneAgain() {
	for _, v := range w.untuned {
		if v.up {
			w.tune(v)
		}
	}
	w.untuned = w.untuned[:0]
}

func (w *Worker) tune(v *device) {
	var lowest []string
	if n := w.devices.lowest[v.below]; n.Index != 0 {
		lowest = append(lowest, n.Name)
	}
	err := w.cfg.Devices.Tune(v.below, v.name, v.ipv6, lowest...)
	v.mistuned = err != nil
	text := ""
	if err != nil {
		text = fmt.Sprintf("the virtual MAC %s needs settings that cannot be written, so that the MAC of %s may answer too: %v", v.mac(), v.below, err)
	}
	w.warn(v.instance, event.WarnSettings, v.below, text)
}

// trouble tells what could not be done for a device, and lets it be for a while.
func (w *Worker) trouble(v *device, why string) {
	v.retry = w.cfg.Now().Add(deviceRetry)
	w.complain(v, why)
}

// complain tells once what is wrong with a device.
func (w *Worker) complain(v *device, why string) {
	if v.trouble != why {
		v.trouble = why
		w.tellDevice(event.DeviceFailed, v, why)
	}
}

func (w *Worker) tellDevice(kind event.DeviceKind, v *device, why string) {
	w.publishDevice(event.DeviceMoved{Kind: kind, Err: why}, v)
}

func (w *Worker) publishDevice(e event.DeviceMoved, v *device) {
	now := w.cfg.Now()
	e.Stamp = event.Stamp{Cause: w.cfg.Minter.Cause(now), At: now}
	e.Instance, e.Device, e.Below, e.MAC = v.instance, v.name, v.below, v.MAC
	w.cfg.Events.Publish(e)
}

// dismantle removes all devices and gives the links below their settings back.
// It returns what could not be done.
func (w *Worker) dismantle() (left []string) {
	if len(w.devices.all) == 0 {
		return nil
	}
	w.devices.doubt()
	w.survey()
	w.clearDevices()
	for _, v := range w.devices.all {
		if v.index == 0 {
			continue
		}
		if err := w.cfg.Devices.Remove(v.index); err != nil {
			left = append(left, fmt.Sprintf("the link %s (%v)", v.name, err))
			continue
		}
		v.index = 0
		w.tellDevice(event.DeviceRemoved, v, "")
	}
	if err := w.cfg.Devices.Restore(nil); err != nil {
		left = append(left, fmt.Sprintf("settings (%v)", err))
	}
	return left
}
