package firewall

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

const (
	// retryEvery is how often what the firewall refused is tried again.
	retryEvery = 250 * time.Millisecond
	// auditEvery is how often the firewall is asked whether it still drops what it must.
	auditEvery = 10 * time.Second
)

// ErrNone is matched by the error of a Kernel that has no firewall.
var ErrNone = errors.New("this kernel has no nf_tables")

// Destination is an address for which nothing but neighbor discovery may come.
type Destination struct {
	Addr      netip.Addr
	Interface string // for a link-local address, which others may have elsewhere
}

// Distinct returns destinations sorted, and each once.
func Distinct(all []Destination) []Destination {
	slices.SortFunc(all, func(a, b Destination) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Interface, b.Interface))
	})
	return slices.Compact(all)
}

// Kernel drops packets.
type Kernel interface {
	// Drop drops what comes for these addresses, and nothing else, from now on;
	// with none it removes all that it ever made, by an earlier run too. It fails
	// with ErrNone where the kernel has no firewall, so that there is nothing.
	Drop(all []Destination) error
	// Stands reports whether what the last Drop made is as it was.
	Stands() (bool, error)
}

// Filter drops what comes for the addresses that must not accept anything: before they
// are added, and until they are removed. One goroutine calls it.
type Filter struct {
	kernel  Kernel
	now     func() time.Time
	dropped []Destination
	err     error  // why it does not drop what it should
	broken  string // what to report once it does again
	retry   time.Time
	audit   time.Time
}

// NewFilter returns a Filter that drops nothing.
func NewFilter(kernel Kernel, now func() time.Time) *Filter {
	return &Filter{kernel: kernel, now: now}
}

// Outcome is what is to be reported of the instances whose addresses accept nothing.
type Outcome struct {
	Warning string // they answered, or may have; empty: nothing new
	Mended  bool   // they do not answer any more
}

// Clear removes what an earlier run left.
func (f *Filter) Clear() error { return f.kernel.Drop(nil) }

// Changed has the firewall asked whether it still drops what it must, since another
// program may have changed it.
func (f *Filter) Changed() { f.audit = time.Time{} }

// Deadline returns when Require has something to do if nothing happens.
func (f *Filter) Deadline() (due time.Time, ok bool) {
	if len(f.dropped) > 0 {
		due, ok = f.audit, true
	}
	if f.err != nil && (!ok || f.retry.Before(due)) {
		return f.retry, true
	}
	return due, ok
}

// Err returns why not all that is required is dropped; nil if it is.
func (f *Filter) Err() error { return f.err }

// Drops reports whether a destination is dropped.
func (f *Filter) Drops(d Destination) bool { return slices.Contains(f.dropped, d) }

// Left reports whether something of ours may be in the firewall.
func (f *Filter) Left() bool { return len(f.dropped) > 0 || f.err != nil }

// Require has at least these destinations dropped.
func (f *Filter) Require(want []Destination) (out Outcome) {
	f.check()
	missing := slices.ContainsFunc(want, func(d Destination) bool { return !f.Drops(d) })
	if !missing {
		f.err = nil
		return out
	}
	return f.drop(Distinct(slices.Concat(f.dropped, want)))
}

// Limit has no other destinations dropped than these.
func (f *Filter) Limit(want []Destination) (out Outcome) {
	if len(want) >= len(f.dropped) {
		return out
	}
	return f.drop(want)
}

// check finds out, every auditEvery and after Changed, whether the firewall still drops
// what it has to; if not all is dropped anew.
func (f *Filter) check() {
	now := f.now()
	if len(f.dropped) == 0 || now.Before(f.audit) {
		return
	}
	f.audit = now.Add(auditEvery)
	stands, err := f.kernel.Stands()
	if stands && err == nil {
		return
	}
	f.broken = "they answered though accept is false, since another program changed or deleted the nftables table inet ripcord; it was put back: have that program leave the table alone"
	if err != nil {
		f.broken = fmt.Sprintf("they may have answered though accept is false: the nftables table inet ripcord could not be read, and was made anew: %v", err)
	}
	f.dropped = nil
}

func (f *Filter) drop(all []Destination) Outcome {
	now := f.now()
	if f.err = f.kernel.Drop(all); f.err != nil {
		f.retry = now.Add(retryEvery)
		return Outcome{Warning: fmt.Sprintf("they answer though accept is false, tried again every %v: %v", retryEvery, f.err)}
	}
	out := Outcome{Warning: f.broken, Mended: true}
	f.dropped, f.broken, f.audit = all, "", now.Add(auditEvery)
	return out
}
