// Package notify notifies other programs of the transitions of instances and groups, in the words
// and forms of keepalived: by commands, and by lines in a FIFO. It also runs fence commands. Other
// packages decide when a transition happens and what is configured for it.
//
// The parts: a transition and its words (transition.go), the commands of a transition in
// their order (commands.go) and the queue of one name (queue.go) are pure; the Runner
// (runner.go, fence.go) and the FIFO (fifo_linux.go) own the goroutines.
//
// The contract:
//
//  1. Notify, Fence and FIFO.Write may be called from any goroutine, before Run too. They
//     never block and do no I/O.
//  2. The commands of one name run one after another, in the order of the transitions.
//     Different names run at the same time, at most Limit of them.
//  3. While commands are slower than the transitions, transitions that waited longer
//     than Stale and were followed by another one are left out, and counted. The last
//     transition of a name is never left out.
//  4. A command that takes longer than its timeout is killed, with its process group. One
//     without a timeout of its own is killed after YieldAfter where a transition waits for it:
//     the next of its name, or any other while Limit commands run.
//  5. Drain lets the last transitions run, those of a shutdown among them, for as long as
//     its context says.
//  6. Reports come from the goroutine that calls Run, one at a time. They must not block.
package notify
