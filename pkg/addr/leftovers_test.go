package addr

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/event"
	"ripcord/pkg/firewall"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/route"
)

// left is the content of a namespace, and the order in which it is removed.
type left struct {
	addresses []Standing
	routes    []route.Op
	links     []macvlan.Link
	refuse    map[string]error // errors of removals, by name
	log       []string
	promoted  []int    // links that are kept from losing other addresses; 0: restored
	changed   []string // links whose setting the dead daemon had changed
}

type (
	leftKernel struct {
		Kernel
		*left
	}
	leftRoutes struct {
		route.Kernel
		*left
	}
	leftDevices struct {
		macvlan.Kernel
		*left
	}
	leftFirewall struct {
		firewall.Kernel
		*left
	}
)

func (l *left) all() Leftovers {
	return Leftovers{leftKernel{left: l}, leftRoutes{left: l}, leftDevices{left: l}, leftFirewall{left: l}}
}

func (l *left) remove(what string) error {
	if err := l.refuse[what]; err != nil {
		return err
	}
	l.log = append(l.log, what)
	return nil
}

func (k leftKernel) List() ([]Standing, error) { return slices.Clone(k.addresses), nil }
func (k leftKernel) PromoteSecondaries(index int, _ string) error {
	k.left.promoted = append(k.left.promoted, index)
	return nil
}
func (k leftKernel) RestoreSecondaries() ([]string, error) {
	k.left.promoted = append(k.left.promoted, 0)
	return k.left.changed, nil
}
func (k leftKernel) RemoveBatch(ops []Op) error {
	var errs []error
	for _, op := range ops {
		if err := k.remove(op.Prefix.String()); err != nil {
			errs = append(errs, err)
			continue
		}
		k.left.addresses = slices.DeleteFunc(k.left.addresses, func(s Standing) bool { return s.Prefix == op.Prefix })
	}
	return errors.Join(errs...)
}

func (r leftRoutes) List() ([]route.Op, error) { return slices.Clone(r.routes), nil }
func (r leftRoutes) Remove(ops []route.Op) (errs []error) {
	for _, op := range ops {
		errs = append(errs, r.remove(op.String()))
	}
	return errs
}

func (d leftDevices) Links() ([]macvlan.Link, error) { return d.links, nil }
func (d leftDevices) Remove(index int) error {
	i := slices.IndexFunc(d.links, func(n macvlan.Link) bool { return n.Index == index })
	return d.remove(d.links[i].Name)
}
func (d leftDevices) Restore(keep []string) error {
	if len(keep) > 0 {
		return errors.New("nothing is to keep its settings")
	}
	return d.remove("settings")
}

func (f leftFirewall) Drop(all []firewall.Destination) error {
	if len(all) > 0 {
		return errors.New("nothing is to be dropped")
	}
	return f.remove("table")
}

func leavings() *left {
	p := netip.MustParsePrefix
	through := route.Route{To: p("10.0.0.0/8"), Table: route.MainTable}
	rule := route.Rule{Family: event.IPv4, From: p("10.0.0.0/8"), Table: 100, Priority: 500}
	return &left{
		addresses: []Standing{
			{1, p("127.0.0.1/8"), false}, {2, p("192.0.2.1/24"), true}, {2, p("192.0.2.11/24"), false},
			{2, p("192.0.2.2/24"), true}, {3, p("2001:db8::1/64"), true},
		},
		routes: []route.Op{{Entry: through}, {Entry: rule}},
		links:  []macvlan.Link{{Index: 2, Name: "eth0"}, {Index: 3, Name: "vrrp6.51", Ours: true}, {Index: 4, Name: "vrrp.7"}},
	}
}

// TestLeftovers requires that everything with the mark is removed in the order of its dependencies,
// and nothing else.
func TestLeftovers(t *testing.T) {
	l := leavings()
	done, err := l.all().Remove()
	if err != nil {
		t.Fatal(err)
	}
	order := []string{
		"rule 500: from 10.0.0.0/8 lookup 100", "10.0.0.0/8", "2001:db8::1/64", "192.0.2.2/24", "192.0.2.1/24", "vrrp6.51", "settings", "table",
	}
	if diff := cmp.Diff(order, l.log); diff != "" {
		t.Errorf("removed in this order (-want +got):\n%s", diff)
	}
	if want := []int{2, 0}; !slices.Equal(l.promoted, want) {
		t.Errorf("kept other addresses of links %v, want %v", l.promoted, want)
	}
	said := []string{
		"rule 500: from 10.0.0.0/8 lookup 100", "10.0.0.0/8", "2001:db8::1/64 on vrrp6.51", "192.0.2.2/24 on eth0", "192.0.2.1/24 on eth0", "the link vrrp6.51",
	}
	if diff := cmp.Diff(said, done.Removed); diff != "" {
		t.Errorf("said to be removed (-want +got):\n%s", diff)
	}
}

// TestLeftoversThatStay requires that the error names what cannot be removed, and that everything
// else is removed.
func TestLeftoversThatStay(t *testing.T) {
	for _, what := range []string{"10.0.0.0/8", "192.0.2.2/24", "vrrp6.51", "settings", "table"} {
		l := leavings()
		l.refuse = map[string]error{what: errors.New("refused for " + what)}
		_, err := l.all().Remove()
		if err == nil || !strings.Contains(err.Error(), "refused for "+what) {
			t.Errorf("%s could not be removed: %v", what, err)
		}
		if got, want := len(l.log), 7; got != want {
			t.Errorf("%s stays: %d of the %d others were removed: %q", what, got, want, l.log)
		}
	}
}

// TestLeftoversOfParts requires that a member that could not be opened is ignored.
func TestLeftoversOfParts(t *testing.T) {
	l := leavings()
	if _, err := (Leftovers{Kernel: leftKernel{left: l}}).Remove(); err != nil || len(l.log) != 3 {
		t.Errorf("the addresses alone: %v, removed %q", err, l.log)
	}
	l = leavings()
	l.refuse = map[string]error{"table": fmt.Errorf("changing it: %w", firewall.ErrNone)}
	if _, err := l.all().Remove(); err != nil {
		t.Errorf("a kernel without nftables has no table of ours: %v", err)
	}
	if done, err := (Leftovers{}).Remove(); err != nil || !done.Nothing() {
		t.Errorf("nothing at all: %v, %q", err, done)
	}
}

// TestLeftoversThatAreSettings requires that a restored setting counts as a leftover.
func TestLeftoversThatAreSettings(t *testing.T) {
	l := &left{changed: []string{"eth0"}}
	done, err := l.all().Remove()
	if want := []string{"promote_secondaries of eth0"}; err != nil || !slices.Equal(done.Restored, want) || done.Nothing() {
		t.Errorf("restored %q, %v, want %q", done.Restored, err, want)
	}
}
