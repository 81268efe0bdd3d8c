package addr

import (
	"errors"
	"testing"
	"testing/synctest"

	"ripcord/pkg/macvlan/macvlantest"
)

// Settings that a device needs and that cannot be written are a warning until they
// can.
func TestUnwritableSettingsAreAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		devs := macvlantest.New()
		devs.ReadOnly = errors.New("read-only file system")
		r := newRigOf(t, virtualSets(), new(fakeFirewall), devs)
		expect(t, "read-only", r.warned(), "settings")
		r.devs.With(func() { r.devs.ReadOnly = nil })
		r.pass(2 * retuneEvery)
		expect(t, "writable", r.warned(), "")
	})
}
