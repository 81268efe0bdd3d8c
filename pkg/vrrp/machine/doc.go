// Package machine decides who owns the addresses: the state machine of a group of
// virtual routers and its members (RFC 9568 §6, with Fault).
//
// A Machine is a value that is stepped: facts in, effects out. It asks nobody
// for the time, starts nothing and locks nothing; one goroutine owns it, and
// its duties are:
//
//  1. Give each fact to Step as an Input, with the present instant; instants
//     never run backwards.
//  2. Whenever Deadline is not later than now, give a Tick, after all facts that
//     are known by then. Timers end in a Tick and nowhere else.
//  3. Carry out the effects of a Step in their order, before those of the next.
//  4. Answer a Verify by an Answered of each verifier, after the facts that the
//     verifier found.
//
// Inside, a Step absorbs its input into facts, derives the state from the facts
// (state.go), and where the state differs lists the effects of the transition
// (group.go). A fact that is lost or comes twice cannot leave a wrong state behind.
// One file has all that follows from one kind of fact:
//
//	advert.go  adverts of others: Active, rival, tie, resignation, other versions
//	timer.go   Active_Down_Timer and Skew_Time, the delays, verification, the takeover
//	link.go    links, their MTU, and the recovery of one that returned
//	group.go   transitions, resignations that cascade, the priority in force
//	fence.go   what runs before a takeover after silence
//	send.go    whether our own adverts leave
//	impair.go  what is missing of the addresses
//	stall.go   pauses of this process
//	fault.go   faults, and conditions that others watch
package machine
