// Package macvlan keeps a macvlan for each instance that has a virtual MAC: on the link that
// carries the instance's adverts, and up only while the instance is held. It makes the macvlans,
// recognizes those of an earlier run, corrects changes by other programs, removes what others left
// behind, and removes all at the end.
//
// A macvlan is ours if its alias begins with the mark "ripcord". The alias also contains the
// original settings of the link below.
//
// The ledger (ledger.go, conflict.go) follows the kernel's reports; the Holder asks the kernel,
// corrects differences, and reports the results; the files *_linux.go hold the file descriptors.
// All other files are pure: the time is an argument or Config.Now.
//
// The contract of a Holder: one goroutine calls it. Apply makes the kernel agree with what is held,
// and is called again when that changes or Deadline has come; Tune is called after addresses were
// added.
package macvlan
