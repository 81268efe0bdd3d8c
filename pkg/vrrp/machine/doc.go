// Package machine decides which router owns the addresses: it is the state machine of a
// group of virtual routers and of its members (RFC 9568 §6, with the state Fault).
//
// A Machine is a value that is stepped: facts in, effects out. It never reads the clock,
// starts nothing and locks nothing. One goroutine owns it, and has these duties:
//
//  1. Give each fact to Step as an Input, with the present instant; instants
//     never run backwards.
//  2. Whenever Deadline is not later than now, give a Tick, after all facts that
//     are known by then. Timers end in a Tick and nowhere else.
//  3. Carry out the effects of a Step in their order, before those of the next.
//  4. Answer a Verify with one Answered from each verifier, after the facts that the
//     verifier found.
//
// Inside, a Step absorbs its input into facts, derives the state from the facts
// (facts.go), and if the state differs, lists the effects of the transition. A fact that is
// lost or arrives twice cannot leave a wrong state behind.
//
// The methods of step handle the inputs, by theme of the RFC:
//
//	machine.go, effects.go  Step and Deadline; one step and the effects that it collects
//	group.go                start, faults, release, priority; transitions and their effects
//	advert.go               adverts of others: Active, rival, tie, resignation, cascade, other versions
//	timer.go                Tick: Active_Down_Timer, verification, the takeover
//	link.go                 links, and their recovery
//
// Each concern beyond the RFC is a type of its own that acts on the step, in one file:
//
//	fencing.go              the fence before a takeover from a silent Active
//	sends.go                adverts of ours that the kernel refuses
//	confirmation.go         the first advert of a takeover, for which the addresses wait
//	pauses.go               a time in which this process did not run
//	liveness.go             the machine of the Active: its death, and deaths that were refuted
//	tracking.go             tracked links and checks: the faults and the priority that follow
//	impairment.go           addresses, routes and rules that cannot be put in place
//	alone.go                members that serve while their group is in Fault
//	rivals.go               other Actives that go on though this router answers them
//	unserved.go             segments on which no router seems to serve
//	summarize.go            which adverts the receiver may report in summary
//	reload.go               a new configuration, which is applied in one step
//	regroup.go              members that a new configuration puts into other groups
//
// The other facts, and the values derived from them, are types whose methods have no effects:
//
//	facts.go, waits.go             the group: its state, and its waits
//	members.go, member.go          its members, and each of them
//	fault.go                       faults, and which member has them
//	verification.go                the question to the verifiers, and their answers
//	recovery.go                    the proof that the segment of a returned link forwards
//	cascade.go                     resignations, and which senders are one router
//	snapshot.go                    the group as `ripcord status` shows it
package machine
