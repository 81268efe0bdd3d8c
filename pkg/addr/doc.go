// Package addr holds the addresses of instances while they are Active: it adds them, announces
// them, restores them when other programs remove them, and removes them at a release. It executes
// the router's orders, and calls the packages that hold routes and macvlans.
//
// An address is ours if it bears the mark, IFA_PROTO 112, or before Linux 5.18 if the record file
// names it. An address that is on the link without the mark is used, never added and never removed.
//
// The Worker (worker.go) owns the queue of orders, and a goroutine. An order (execute.go) changes
// what is held; converge (converge.go) then makes the kernel agree, concern by concern:
//
//   - macvlans (pkg/macvlan): the links that bear virtual MACs;
//   - addresses (addresses.go): adds, removes and marks the addresses as its ledger (ledger.go,
//     settle.go, leaving.go, mark.go) derives it from the held and the present addresses;
//   - acceptance (accept.go, pkg/firewall): drops packets to addresses with `accept: false`,
//     before they are added and until they are removed. While the firewall cannot be programmed
//     they are not added;
//   - routes (pkg/route): after the addresses are in place, until before they are removed;
//   - placements (placement.go): reports to the router what is missing, 1 s after it was
//     ordered or lost, and when that changes.
//
// A Configure (configure.go) gives each concern its new sets, and then converges as any
// order does: items of both the old and the new sets are not touched. An address whose
// attributes in the kernel change, such as its label, is removed and added again.
//
// In addition, the announcer (announce.go, schedule.go) sends gratuitous ARP and
// neighbor advertisements, and pkg/neigh (neighbors.go) watches the stations on the
// links. Leftovers removes the items of a daemon that died. All files but worker.go,
// machine.go and *_linux.go are pure.
//
// The contract:
//
//  1. Do and Ask may be called from any goroutine, before Run too. They never block,
//     and no order is lost. Orders are carried out one after another, in order.
//  2. Run is called once. It reads link facts before orders, so a caller that received a fact of a
//     link from the bus may send orders for that link at once.
//  3. The kernel decides which addresses exist: after an error, or a fact from the bus that
//     contradicts the ledger, the worker reads a dump, and the ledger follows it.
//  4. Announcements are sent in batches of a few dozen frames, each by one system call. The worker
//     reads its queue between two batches, so no Release waits for them. Many addresses are added
//     in parts, and each part is announced before the next is added.
//  5. The goroutines of the Listener publish answers, and end with Run.
//  6. After a Configure no address with `accept: false` answers: if the firewall cannot be
//     programmed by then, these addresses are removed until it can.
//  7. When Run returns, nothing of ours is left, or its error names what is; after HandOver, all
//     held items are left in place.
//  8. Adopted items (adopt.go) are held before anything is removed, and neither added nor
//     announced.
package addr
