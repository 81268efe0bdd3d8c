// Package route holds routes and policy rules while an instance is held: it adds them, restores
// them when other programs remove or replace them, and removes them at the end.
//
// A route or rule is ours if its protocol is rtnl.Mark. A kernel may hold a million routes of
// others, so no copy of its tables is kept: the wanted entries are added, and the kernel refuses to
// add existing ones. A missing entry impairs the router, and is not a fault.
//
// The ledger (ledger.go, settle.go) decides, the Holder asks the kernel and reports the results,
// and the files *_linux.go hold the file descriptors. All other files are pure: the time is an
// argument or Config.Now.
//
// The contract of a Holder: one goroutine calls it. Hold and Release change what is
// wanted; Remove and Add make the kernel agree with that, and are called again when
// Deadline has come. Routes need addresses for their sources and gateways: Add is
// called after addresses were added, and Remove before they are removed.
package route
