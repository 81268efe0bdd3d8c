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
	// retryEvery is the period of attempts at what the firewall refused.
	retryEvery = 250 * time.Millisecond
	// auditEvery is the period of the question whether the firewall still drops what it must.
	auditEvery = 10 * time.Second
)

// ErrNone matches the error of a Kernel without a firewall.
var ErrNone = errors.New("this kernel has no nf_tables")

// Destination is an address for which only neighbor discovery is accepted.
type Destination struct {
	Addr      netip.Addr
	Interface string // for a link-local address, which may also exist on other links
}

// Distinct returns destinations sorted, each once.
func Distinct(all []Destination) []Destination {
	slices.SortFunc(all, func(a, b Destination) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Interface, b.Interface))
	})
	return slices.Compact(all)
}

// Kernel drops packets.
type Kernel interface {
	// Drop drops packets for these addresses, and no others, from now on; with none it removes
	// everything that it ever made, also in an earlier run. It returns ErrNone if the kernel has no
	// firewall, and thus nothing to remove.
	Drop(all []Destination) error
	// Stands reports whether the result of the last Drop is unchanged.
	Stands() (bool, error)
}

// Filter drops packets for the addresses that must not accept anything: from before they are added
// until they are removed. One goroutine calls it.
type Filter struct {
	kernel  Kernel
	now     func() time.Time
	dropped []Destination
	err     error  // why it does not drop what it should
	broken  string // the report for the time when it drops it again
	retry   time.Time
	audit   time.Time
}

// NewFilter returns a Filter that drops nothing.
func NewFilter(kernel Kernel, now func() time.Time) *Filter {
	return &Filter{kernel: kernel, now: now}
}

// Outcome is the report about the instances whose addresses accept nothing.
type Outcome struct {
	Warning string // they answered, or may have; empty: no change
	Mended  bool   // they do not answer any more
}

// Clear removes the table of an earlier run.
func (f *Filter) Clear() error { return f.kernel.Drop(nil) }

// Changed schedules a check whether the firewall still drops what it must, since another program
// may have changed it.
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

// Err returns why something required is not dropped; nil if all of it is.
func (f *Filter) Err() error { return f.err }

// Drops reports whether packets for a destination are dropped.
func (f *Filter) Drops(d Destination) bool { return slices.Contains(f.dropped, d) }

// Left reports whether something of ours may be in the firewall.
func (f *Filter) Left() bool { return len(f.dropped) > 0 || f.err != nil }

// Require drops packets for at least these destinations.
func (f *Filter) Require(want []Destination) (out Outcome) {
	f.check()
	missing := slices.ContainsFunc(want, func(d Destination) bool { return !f.Drops(d) })
	if !missing {
		f.err = nil
		return out
	}
	return f.drop(Distinct(slices.Concat(f.dropped, want)))
}

// Limit stops dropping packets for other destinations than these.
func (f *Filter) Limit(want []Destination) (out Outcome) {
	if len(want) >= len(f.dropped) {
		return out
	}
	return f.drop(want)
}

// check finds out, every auditEvery and after Changed, whether the firewall still drops what it has
// to; if not, it programs the firewall again.
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
	f.broken = "they answered although accept is false, because another program changed or deleted the nftables table inet ripcord; it was restored: make that program leave the table alone"
	if err != nil {
		f.broken = fmt.Sprintf("they may have answered although accept is false: the nftables table inet ripcord could not be read, and was made again: %v", err)
	}
	f.dropped = nil
}

func (f *Filter) drop(all []Destination) Outcome {
	now := f.now()
	if f.err = f.kernel.Drop(all); f.err != nil {
		f.retry = now.Add(retryEvery)
		return Outcome{Warning: fmt.Sprintf("they answer although accept is false, tried again every %v: %v", retryEvery, f.err)}
	}
	out := Outcome{Warning: f.broken, Mended: true}
	f.dropped, f.broken, f.audit = all, "", now.Add(auditEvery)
	return out
}
