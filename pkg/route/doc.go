// Package route holds routes and policy rules while an instance is held: it adds
// them, puts them back when somebody removes or replaces them, and removes them at
// the end.
//
// A route or rule is ours where its protocol is rtnl.Mark. A kernel may hold a million
// routes of others, so no copy of its tables is kept: what should stand is added, and
// the kernel refuses to add what stands. One that is missing impairs the router, and
// is no fault.
//
// The ledger (ledger.go, settle.go) decides, the Holder asks the kernel and reports
// what came of it, and the files *_linux.go hold the file descriptors. All but those
// are pure: the time is an argument or Config.Now.
//
// The contract of a Holder: one goroutine calls it. Hold and Release change what is
// wanted; Remove and Add make the kernel agree with that, and are called again when
// Deadline has come. Routes need addresses for their sources and gateways: Add is
// called after addresses were added, and Remove before they are removed.
package route
