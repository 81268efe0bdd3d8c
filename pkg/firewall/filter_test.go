package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// fake records what it has to drop.
type fake struct {
	drops  []string
	refuse error
	lost   bool // another program changed what Drop made
	unread error
}

func (k *fake) Drop(all []Destination) error {
	if k.refuse != nil {
		return k.refuse
	}
	k.drops, k.lost = append(k.drops, fmt.Sprint(all)), false
	return nil
}

func (k *fake) Stands() (bool, error) { return !k.lost && k.unread == nil, k.unread }

func destinations(texts ...string) (all []Destination) {
	for _, text := range texts {
		all = append(all, Destination{Addr: netip.MustParseAddr(text)})
	}
	return all
}

// newFilter returns a Filter on a clock that the test moves.
func newFilter() (f *Filter, k *fake, now *time.Time) {
	k, now = new(fake), new(time.Time)
	*now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return NewFilter(k, func() time.Time { return *now }), k, now
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestFilter requires that required destinations are added until they are limited, and that the
// firewall is not asked without need.
func TestFilter(t *testing.T) {
	f, k, _ := newFilter()
	a, b := destinations("192.0.2.1"), destinations("192.0.2.1", "2001:db8::1")
	if _, ok := f.Deadline(); ok || f.Left() {
		t.Error("nothing is dropped, and something is due or left")
	}
	f.Require(a)
	f.Require(a)
	expect(t, "required", k.drops, "[[{192.0.2.1 }]]")
	f.Require(b)
	f.Limit(b)
	expect(t, "one more", k.drops[1:], "[[{192.0.2.1 } {2001:db8::1 }]]")
	f.Require(b[1:])
	expect(t, "one less, not yet", len(k.drops), 2)
	f.Limit(b[1:])
	expect(t, "limited", k.drops[2:], "[[{2001:db8::1 }]]")
	if f.Drops(a[0]) || !f.Drops(b[1]) || !f.Left() {
		t.Error("Drops does not report what is dropped")
	}
	f.Limit(nil)
	expect(t, "at the end", k.drops[3:], "[[]]")
	if f.Left() {
		t.Error("something is left")
	}
}

// TestFilterRefused requires that a refusal is a warning, is tried again, and is mended then.
func TestFilterRefused(t *testing.T) {
	f, k, now := newFilter()
	k.refuse = errors.New("not permitted")
	out := f.Require(destinations("192.0.2.1"))
	if !strings.Contains(out.Warning, "not permitted") || out.Mended || f.Err() == nil {
		t.Errorf("%+v, err %v", out, f.Err())
	}
	if due, ok := f.Deadline(); !ok || due.Sub(*now) != retryEvery {
		t.Errorf("tried again at %v, %t", due, ok)
	}
	k.refuse = nil
	out = f.Require(destinations("192.0.2.1"))
	expect(t, "then", out, "{ true}")
	expect(t, "error", f.Err(), "<nil>")
	k.refuse = errors.New("not permitted")
	f.Require(destinations("192.0.2.2"))
	f.Require(destinations("192.0.2.1"))
	expect(t, "not wanted any more", f.Err(), "<nil>")
}

// TestFilterAudits requires that a change by another program is found after a notification, or by
// an audit, and is reverted.
func TestFilterAudits(t *testing.T) {
	for name, lose := range map[string]func(*fake){
		"another program changed": func(k *fake) { k.lost = true },
		"could not be read":       func(k *fake) { k.unread = errors.New("no answer") },
	} {
		f, k, now := newFilter()
		want := destinations("192.0.2.1")
		f.Require(want)
		lose(k)
		f.Require(want)
		expect(t, "before the audit", len(k.drops), 1)
		due, ok := f.Deadline()
		if !ok || due.Sub(*now) != auditEvery {
			t.Errorf("audit at %v, %t", due, ok)
		}
		*now = due
		if out := f.Require(want); !strings.Contains(out.Warning, name) || !out.Mended {
			t.Errorf("%s: %+v", name, out)
		}
		expect(t, "put back", k.drops[1:], "[[{192.0.2.1 }]]")
		k.unread = nil
		f.Require(want)
		lose(k)
		f.Changed()
		f.Require(want)
		expect(t, "after a notification", len(k.drops), 3)
	}
}
