// Package notify notifies other programs of the transitions of instances and groups, in the words
// and forms of keepalived: by commands, and by lines in a FIFO. It also runs fence commands.
//
// The Notifier (notifier.go) reads the events of the daemon. Its sequencer (sequencer.go) turns them
// into transitions and decides in which order, and when, these are notified. The Settings
// (settings.go) name the commands of each instance and group; other packages read them from the
// configuration. A transition and its words (transition.go), the commands of a transition
// (commands.go) and the queue of one subject (queue.go) are pure. The Runner (runner.go, fence.go),
// the FIFO (fifo_linux.go) and its reader (reader_linux.go) own the goroutines. report.go makes
// events of their reports.
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
//  5. Drain runs the commands of the last transitions, including those of a shutdown, until
//     its context ends.
//  6. Reports come from the goroutine that calls Run, one at a time. They must not block.
package notify
