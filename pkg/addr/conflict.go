package addr

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// vrrpName is how keepalived names its macvlans, and ripcord its own: vrrp.VRID,
// vrrp6.VRID, with a number appended where that name is taken.
var vrrpName = regexp.MustCompile(`^vrrp6?\.([0-9]{1,3})(\.[0-9]+)?$`)

// leftBehind reports whether a link that bears the device's MAC looks like one that
// keepalived, or an earlier run whose mark was lost, has left behind.
func (v *device) leftBehind(n Netdev) bool {
	if n.Kind != "macvlan" || !n.Shared {
		return false
	}
	if n.Name == v.Name {
		return true
	}
	m := vrrpName.FindStringSubmatch(n.Name)
	return m != nil && m[1] == strconv.Itoa(int(v.MAC[5]))
}

// resolveConflicts removes the links that bear a virtual MAC of ours and that nobody
// uses any more, and reports the others as a fault: the kernel sets up one link with
// a MAC on a lower link, and the addresses of the instance would stand on one that is
// down. It reports whether it removed any. It does nothing until the kernel has been
// asked for the links again.
func (w *Worker) resolveConflicts() (removed bool) {
	if !w.devices.looked {
		return false
	}
	removed = w.removeLeftBehind()
	w.devices.looked = false
	for _, v := range w.devices.all {
		why := w.conflict(v)
		if why == v.fault {
			continue
		}
		v.fault = why
		w.cfg.Results.Publish(vrrp.Condition{
			Cause: w.cfg.Minter.Cause(w.cfg.Now()), Instance: v.instance, Reason: event.MACConflict, Err: why, On: why != "",
		})
	}
	return removed
}

// removeLeftBehind removes what is left behind and not used.
func (w *Worker) removeLeftBehind() (removed bool) {
	for _, v := range w.devices.all {
		for _, n := range v.rivals {
			if !v.leftBehind(n) || w.devices.made[n.Index] != nil || w.inUse(n) {
				continue
			}
			v.retry = w.cfg.Now() // it may have been refused for this
			if err := w.cfg.Devices.Remove(n.Index); err != nil {
				w.trouble(v, fmt.Sprintf("the link %s bears its MAC, was left behind by another program, and was not removed: %v", n.Name, err))
				continue
			}
			removed = true
			w.tellDevice(event.DeviceReplaced, &device{Device: Device{MAC: n.MAC}, instance: v.instance, below: v.below, name: n.Name}, "")
		}
	}
	if removed {
		w.dirty = true
		w.devices.doubt()
		w.survey()
	}
	return removed
}

// inUse reports whether somebody may be using a link: it has an address that is not
// ours to hold, or another daemon speaks VRRP here.
func (w *Worker) inUse(n Netdev) bool {
	all, err := w.cfg.Kernel.List()
	if err != nil {
		return true
	}
	for _, s := range all {
		a := s.Prefix.Addr()
		if s.Index == n.Index && !a.IsLinkLocalUnicast() && !w.ledger.managed[a] {
			return true
		}
	}
	return w.cfg.Devices.OtherDaemon()
}

// conflict says which links keep the device of an instance from being set up, and
// what to do; empty if none does.
func (w *Worker) conflict(v *device) string {
	var parts []string
	for _, n := range v.rivals {
		switch other := w.devices.made[n.Index]; {
		case other != nil && other != v:
			parts = append(parts, fmt.Sprintf("the link %s of the instance %s bears the same virtual MAC on the same lower link: give one of the two another vrid", n.Name, other.instance))
		case n.Index == w.devices.under[v.below].Index:
			parts = append(parts, fmt.Sprintf("%s itself bears the virtual MAC %s: give it its own again with ip link set %s address MAC", n.Name, v.mac(), n.Name))
		default:
			parts = append(parts, fmt.Sprintf("the link %s bears the virtual MAC %s too, so that %s cannot be set up on %s: stop the program that uses it, and remove it with ip link del %s",
				n.Name, v.mac(), v.Name, v.below, n.Name))
		}
	}
	return strings.Join(parts, "; ")
}

func (v *device) mac() string { return event.DeviceMoved{MAC: v.MAC}.Address() }
