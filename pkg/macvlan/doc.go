// Package macvlan keeps a macvlan for each instance that has a virtual MAC: on the link
// that carries the instance's adverts, and up only while the instance is held. It makes
// them, knows those of an earlier run again, puts right what others change, removes
// what others left behind, and removes all at the end.
//
// A macvlan is ours where its alias begins with the mark "ripcord". The alias also
// remembers the settings of the link below from before they were changed.
//
// The ledger (ledger.go, conflict.go) follows what the kernel reports; the Holder asks
// the kernel, changes what is not as it should be, and reports what came of it; the
// files *_linux.go hold the file descriptors. All but those are pure: the time is an
// argument or Config.Now.
//
// The contract of a Holder: one goroutine calls it. Apply makes the kernel agree with
// what is held, and is called again when that changes or Deadline has come; Tune is
// called after addresses were added.
package macvlan
