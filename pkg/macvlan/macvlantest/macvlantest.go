// Package macvlantest simulates the kernel's links for tests of code that keeps macvlans.
package macvlantest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"ripcord/pkg/macvlan"
)

// Eth0 is the index of the link that New has.
const Eth0 = 7

// Kernel is links in memory. Its fields belong to the caller of With during the call.
type Kernel struct {
	List     []macvlan.Link
	Refuse   error // the error of Make and SetUp
	ReadOnly error // the error of Tune
	Other    bool  // another daemon runs
	// HangOn, if set, returns the link to which the kernel attaches a new device instead of the
	// requested one.
	HangOn func(macvlan.Shape) (below, ns int)

	mu    sync.Mutex
	next  int
	calls []string
}

// New returns a kernel with eth0 and these links. The devices that it makes have the indexes 20, 21
// and so on.
func New(links ...macvlan.Link) *Kernel {
	return &Kernel{List: append([]macvlan.Link{{Index: Eth0, Name: "eth0", Up: true}}, links...), next: 20}
}

func (k *Kernel) note(format string, args ...any) {
	k.calls = append(k.calls, fmt.Sprintf(format, args...))
}

// Links implements macvlan.Kernel.
func (k *Kernel) Links() ([]macvlan.Link, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.List), nil
}

// Make implements macvlan.Kernel.
func (k *Kernel) Make(s macvlan.Shape) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.note("make %s on %d", s.Name, s.Below)
	if k.Refuse != nil {
		return k.Refuse
	}
	n := macvlan.Link{Index: k.next, Below: s.Below, Name: s.Name, MAC: s.MAC, MTU: s.MTU, Master: s.Master, Kind: "macvlan", Shared: true, Ours: true}
	if k.HangOn != nil {
		n.On = s.Below
		n.Below, n.NS = k.HangOn(s)
	}
	k.List = append(k.List, n)
	k.next++
	return nil
}

// Mend implements macvlan.Kernel.
func (k *Kernel) Mend(index int, s macvlan.Shape) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.note("mend %d", index)
	n := k.At(index)
	n.Ours, n.MTU, n.Master = true, s.MTU, s.Master
	return nil
}

// OtherDaemon implements macvlan.Kernel.
func (k *Kernel) OtherDaemon() bool { return k.Other }

// Remove implements macvlan.Kernel.
func (k *Kernel) Remove(index int) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.note("remove %d", index)
	k.List = slices.DeleteFunc(k.List, func(n macvlan.Link) bool { return n.Index == index })
	return nil
}

// SetUp implements macvlan.Kernel. Among links with one MAC on one link it sets up only one, as the
// kernel does.
func (k *Kernel) SetUp(indexes []int, up bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	word := "down"
	if up {
		word = "up"
	}
	k.note("%s %v", word, indexes)
	if k.Refuse != nil {
		return k.Refuse
	}
	var err error
	for i := range k.List {
		n := k.List[i]
		if !slices.Contains(indexes, n.Index) {
			continue
		}
		rival := func(o macvlan.Link) bool {
			return o.Index != n.Index && o.Up && o.MAC == n.MAC && o.Below == n.Below && o.NS == n.NS
		}
		if up && slices.ContainsFunc(k.List, rival) { // as macvlan_open does
			err = errors.New("device or resource busy")
			continue
		}
		k.List[i].Up = up
	}
	return err
}

// Tune implements macvlan.Kernel.
func (k *Kernel) Tune(below, device string, _ bool, lower ...string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.note("tune %s %s", strings.Join(append([]string{below}, lower...), " "), device)
	return k.ReadOnly
}

// Restore implements macvlan.Kernel.
func (k *Kernel) Restore(keep []string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.note("restore, keep %v", keep)
	return nil
}

// With changes the links as another program would.
func (k *Kernel) With(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

// At returns the link of that index, for use within With; an empty one if there is none.
func (k *Kernel) At(index int) *macvlan.Link {
	for i := range k.List {
		if k.List[i].Index == index {
			return &k.List[i]
		}
	}
	return new(macvlan.Link)
}

// Calls returns the calls that changed something since the last call.
func (k *Kernel) Calls() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	calls := strings.Join(k.calls, "; ")
	k.calls = nil
	return calls
}
