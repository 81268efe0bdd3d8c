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
// (facts.go), and where the state differs lists the effects of the transition. A fact that is
// lost or comes twice cannot leave a wrong state behind.
//
// What happens is a method of step, by theme of the RFC:
//
//	machine.go, effects.go  Step and Deadline; one step and the effects that it collects
//	group.go                start, faults, release, priority; transitions and their effects
//	advert.go               adverts of others: Active, rival, tie, resignation, cascade, other versions
//	timer.go                Tick: Active_Down_Timer, verification, the takeover
//	link.go                 links, their recovery, and adverts of our own that do not leave on them
//
// Each concern beyond the RFC is a type of its own that acts on the step, in one file:
//
//	fencing.go              the fence that stands before a takeover after silence
//	confirmation.go         the first advert of a takeover, for which the addresses wait
//	pauses.go               a time in which this process did not run
//	liveness.go             the machine of the Active: its death, and a death that was none
//	tracking.go             links and checks that are tracked: the faults and the priority that follow
//	impairment.go           addresses, routes and rules that cannot be put in place
//	alone.go                members that serve while their group is in Fault
//	summarize.go            which adverts the receiver may report in summary
//	reload.go               a new configuration, which is taken in one step
//
// What else is known, and what follows from it, are values whose methods have no effects:
//
//	facts.go, waits.go             the group: its state, and its waits
//	members.go, member.go          its members, and each of them
//	fault.go                       faults, and of whom they are
//	verification.go                what the verifiers were asked, and answered
//	recovery.go                    the proof that the segment of a returned link forwards
//	cascade.go                     resignations, and which senders are one router
//	sends.go                       whether adverts leave
//	snapshot.go                    the group as status shows it
package machine
