// Package bus carries values from publishers to subscribers without either ever waiting for the
// other.
//
// The contract:
//
//  1. Publish never blocks and never runs a subscriber's code. It absorbs the
//     values into the backlog of each subscription and then rings its bell, once for
//     all values. The only methods of a value that it calls are Key, Merge and Rest,
//     which are pure.
//  2. All publications on a topic are ordered: every subscription absorbs the
//     same values in the same order.
//  3. Each kind of subscription absorbs a backlog in its own way: Merged keeps one value
//     for each key, merged; Recent keeps the last n for each key, and Ring the
//     last n of all, and both count the values that they drop. The memory of each is bounded:
//     that of Merged by the number of keys since a Take, that of a retained topic by the
//     number of keys that are remembered.
//  4. A retained topic remembers the merged value of each key, without the part that accumulates
//     between two Takes. Subscribing atomically yields that snapshot and everything that is
//     published after it. A key may be forgotten, until it is published again.
//  5. Take returns everything that is in a backlog, in order of arrival, and never blocks. A
//     reader with several subscriptions gives them one Bell, and after it rang takes from
//     all of them. If it has taken a value from one subscription, everything that was published
//     earlier is there when it then takes from the others.
//  6. The slice that Take returns belongs to the reader until its next Take, which reuses the
//     memory: a backlog in steady state allocates nothing.
//
// Everything in this package may be used from any goroutine; a backlog has one reader.
package bus
