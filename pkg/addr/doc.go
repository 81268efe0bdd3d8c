// Package addr decides which addresses stand on which links and when they are
// announced, and which routes and rules stand beside them: it holds those of the
// instances it is told to hold, and gives up those it is told to release, and
// only what is ours is ever removed.
//
// An address is ours where it bears the mark, IFA_PROTO 112; before Linux 5.18,
// where the record file names it. One that stands on the link without the mark
// is used, never added and never removed.
//
// Routes and rules are held by package route: after the addresses are in place, until
// before they are removed. One that is missing impairs the router, and is no fault.
//
// What is missing of what an instance should hold is reported to the router
// (placement.go): 1 s after it was ordered or was lost, and when it changes.
//
// What comes for addresses that accept nothing is dropped by the firewall
// (accept.go): before they are added, and until they are removed. While the firewall
// cannot be programmed they are not added, and are missing like any address that is not
// in place: one that answers though it should not would not be found out.
//
// The worker also calls pkg/neigh, which knows the stations on the links that carry
// adverts and sends the announcements; neighbors.go is all that stands between them.
//
// The parts: the ledger of addresses (ledger.go, settle.go) and the announce schedule
// (schedule.go) are pure and know no clock; the Worker owns them on the goroutine that
// calls Run; the files *_linux.go hold the file descriptors.
//
// The contract:
//
//  1. Do and Ask may be called from any goroutine, before Run too. They never block,
//     and no order is lost. Orders are obeyed one after another, in order.
//  2. Run is called once. It takes link facts before orders, so that whoever
//     learned of a link from the bus may order at once.
//  3. The kernel is the truth: facts from the bus that contradict the ledger, and
//     every error, cost a dump; the ledger then follows the dump.
//  4. Announcements are sent in batches of a few dozen frames, each by one system
//     call; between two the queue is looked at, so that no Release waits for them.
//  5. Answers are published by the goroutines of the Listener, which end with Run.
//  6. When Run returns nothing of ours is left, or its error says what is.
package addr
