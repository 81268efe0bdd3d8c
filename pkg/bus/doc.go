// Package bus carries values from publishers to subscribers, without one ever waiting
// for the other.
//
// The contract:
//
//  1. Publish never blocks and never runs a subscriber's code. It absorbs the
//     values into each subscription's backlog and then rings its bell, once for
//     all; the only methods of a value that it calls are Key, Merge and Rest,
//     which are pure.
//  2. All publishers of one topic are ordered: every subscription absorbs the
//     same values in the same order.
//  3. Each subscription says how it absorbs a backlog: Merged keeps one value
//     for each key, merged; Recent keeps the last n for each key, and Ring the
//     last n of all, and both count what they lost. The memory of each is bounded: that of Merged by the number of keys since a
//     Take, that of a retained topic by the number of keys that are remembered.
//  4. A retained topic remembers the merged value of each key, less what accumulates between
//     two Takes. Subscribing yields that snapshot and all that comes after it, in one act. A
//     key may be forgotten, until it is published again.
//  5. Take gives all that stands in a backlog, in order of arrival, and never blocks. A
//     reader with several subscriptions gives them one Bell, and after it rang takes from
//     all. It finds all that was published earlier than a value it has taken from one
//     subscription when it takes from the others afterwards.
//  6. The slice that Take returns is the reader's until its next Take, which uses the memory
//     again: a backlog that is taken from in steady state allocates nothing.
//
// Everything here may be used from any goroutine; a backlog has one reader.
package bus
