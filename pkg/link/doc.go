// Package link decides whether a link is usable: it takes what the kernel says
// of its interfaces and their addresses, asks again where that may come late,
// and publishes the verdicts.
//
// Table holds the decision and is pure; it is not safe for concurrent use.
// Monitor is its shell: Run starts a goroutine for the notifications of links,
// one for those of addresses, the confirmer, which asks drivers for the carrier
// at a high rate, the poller, which asks those that announce nothing at a low
// one, the explainer, which asks them why a carrier went, and one that keeps the
// time of what is debounced, and waits for all of them. The table is Monitor's, behind its one mutex. What a change
// yields is put into an outbox under that mutex and published outside it, by
// one goroutine at a time: subscribers get facts in the order of their Seq, and
// the answer to a Verify behind all that was found before it. The methods of Monitor
// may be called from any goroutine and never wait for the kernel.
package link
