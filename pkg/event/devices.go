package event

import "fmt"

// DeviceKind is the kind of a DeviceMoved.
type DeviceKind string

// The kinds, named as in the log.
const (
	DeviceAdded   DeviceKind = "device.added"
	DeviceRemoved DeviceKind = "device.removed"
	// DeviceAdopted: an earlier run left the device behind, and it is still needed.
	DeviceAdopted DeviceKind = "device.adopted"
	// DeviceMended: another program changed the device, or the link below was changed.
	DeviceMended DeviceKind = "device.mended"
	// DeviceReplaced: another program's link with the same MAC, which was left behind, was
	// removed.
	DeviceReplaced DeviceKind = "device.replaced"
	DeviceFailed   DeviceKind = "device.failed"
)

// DeviceMoved reports a change of the macvlan that has the virtual MAC of an instance.
type DeviceMoved struct {
	Stamp
	Kind     DeviceKind
	Instance string // empty if an earlier run left the device behind and no instance needs it
	Device   string // its name
	Below    string // the link below it
	MAC      [6]byte
	Err      string // for DeviceFailed: what failed, and what to do
	What     string // for DeviceMended: what was corrected
}

func (e DeviceMoved) Name() string { return string(e.Kind) }

// Level returns Error for a failure, and Warn if a device is removed that nothing needed any more.
func (e DeviceMoved) Level() Level {
	switch {
	case e.Kind == DeviceFailed:
		return Error
	case e.Kind == DeviceReplaced, e.Instance == "":
		return Warn
	}
	return Info
}

func (e DeviceMoved) Message() string {
	switch e.Kind {
	case DeviceAdded:
		return fmt.Sprintf("%s added the link %s with the virtual MAC %s on %s", e.Instance, e.Device, e.Address(), e.Below)
	case DeviceAdopted:
		return fmt.Sprintf("%s uses the link %s on %s of an earlier run", e.Instance, e.Device, e.Below)
	case DeviceMended:
		return fmt.Sprintf("%s corrected %s of the link %s", e.Instance, e.What, e.Device)
	case DeviceReplaced:
		return fmt.Sprintf("%s removed the link %s on %s, which had its virtual MAC %s and was left behind by a program that no longer runs",
			e.Instance, e.Device, e.Below, e.Address())
	case DeviceRemoved:
		if e.Instance == "" {
			return fmt.Sprintf("removed the link %s, which an earlier run had left behind", e.Device)
		}
		return fmt.Sprintf("the link %s of %s was removed", e.Device, e.Instance)
	}
	what := ""
	if e.Device != "" {
		what = "the link " + e.Device
	}
	return failed(e.Instance, what, e.Err)
}

func (e DeviceMoved) Fields() []Field {
	var fields []Field
	if e.Instance != "" {
		fields = append(fields, Field{"instance", e.Instance})
	}
	fields = append(fields, Field{"device", e.Device})
	if e.Below != "" {
		fields = append(fields, Field{"interface", e.Below})
	}
	fields = append(fields, Field{"mac", e.Address()})
	if e.What != "" {
		fields = append(fields, Field{"what", e.What})
	}
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}

// Address returns the MAC in the usual notation.
func (e DeviceMoved) Address() string {
	m := e.MAC
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}
