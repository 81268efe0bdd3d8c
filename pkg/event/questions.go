package event

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// MachineName stands in place of an instance's name in warnings that concern the whole machine.
const MachineName = "(machine)"

// Question is a kind of question to the kernel that ripcord repeats until it is answered. Meanwhile
// ripcord acts on what it knows.
type Question string

// The questions.
const (
	AskLinks                Question = "links"
	AskLinkNotifications    Question = "link-notifications"
	AskAddresses            Question = "addresses"
	AskAddressNotifications Question = "address-notifications"
	AskOwnAddresses         Question = "own-addresses"
	AskOwnRoutes            Question = "own-routes"
	AskMacvlans             Question = "macvlans"
	AskRouteNotifications   Question = "route-notifications"
	AskFilterNotifications  Question = "firewall-notifications"
	AskMemberships4         Question = "memberships-ipv4"
	AskMemberships6         Question = "memberships-ipv6"
	AskReversePath          Question = "reverse-path"
	AskNeighbors            Question = "neighbors"
	AskARP                  Question = "arp"
	AskND                   Question = "neighbor-discovery"
)

// consequence describes a question, and what its failure means for the router.
type consequence struct{ cannot, means string }

// consequences are those of all questions.
var consequences = map[Question]consequence{
	AskLinks:                {"list the links of this machine", "it may miss the change of a link, and serve on a link that is down"},
	AskLinkNotifications:    {"receive the kernel's notifications of links", "it notices only the losses that it finds by asking the NICs"},
	AskAddresses:            {"list the addresses of this machine", "it may send adverts from an address that was removed"},
	AskAddressNotifications: {"receive the kernel's notifications of addresses", "it does not notice when another program adds or removes an address"},
	AskOwnAddresses:         {"list the addresses that it holds", "it does not notice that an address is missing, and does not add it again"},
	AskOwnRoutes:            {"list its routes and rules", "it does not add a route again that another program has replaced"},
	AskMacvlans:             {"list the links with virtual MACs", "it may lack a virtual MAC, or keep one that it must not have"},
	AskRouteNotifications:   {"receive the kernel's notifications of deleted routes and rules", "it adds a route or rule that another program deletes only when it looks for it, up to a minute later"},
	AskFilterNotifications:  {"receive the kernel's notifications of changes of nftables", "it restores its table that another program deletes only when it looks for it, seconds later"},
	AskMemberships4:         {"read the IPv4 multicast groups of the links", "it does not notice that a link has left the group of the adverts, so that it hears nobody and may become a second Active"},
	AskMemberships6:         {"read the IPv6 multicast groups of the links", "it does not notice that a link has left the group of the adverts, so that it hears nobody and may become a second Active"},
	AskReversePath:          {"ask whether the kernel accepts packets from the other routers", "it does not notice that rp_filter drops their adverts, so that it may become a second Active"},
	AskNeighbors:            {"read the kernel's neighbor tables", "it knows fewer stations, so that a link that returns may wait for its proof until recovery.wait ends"},
	AskARP:                  {"receive ARP", "it does not notice that another station has one of its addresses, and a link that returns may wait for its proof until recovery.wait ends"},
	AskND:                   {"receive neighbor discovery", "it does not notice that another station has one of its addresses, and a link that returns may wait for its proof until recovery.wait ends"},
}

// unansweredFor is how long a question must fail before it is reported: one failure, or some within
// a burst of changes, do no harm.
const unansweredFor = 3 * time.Second

// Questions counts the questions to the kernel that failed, and warns while one keeps failing. Its
// methods may be called from any goroutine; those of a nil *Questions do nothing.
type Questions struct {
	warnings *Warnings
	failing  atomic.Int32 // the number of questions whose last answer was an error

	mu  sync.Mutex
	all map[Question]*unanswered
}

// unanswered is a question that has failed before.
type unanswered struct {
	since  time.Time // the first failure since the last answer; zero if that was the last
	failed uint64
}

// NewQuestions returns the questions that report to warnings.
func NewQuestions(warnings *Warnings) *Questions {
	return &Questions{warnings: warnings, all: make(map[Question]*unanswered)}
}

// Asked records that a question was answered, or failed with an error.
func (q *Questions) Asked(what Question, err error, now time.Time) {
	if q == nil || err == nil && q.failing.Load() == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	asked := q.all[what]
	if err == nil {
		if asked != nil && !asked.since.IsZero() {
			asked.since = time.Time{}
			q.failing.Add(-1)
			q.warnings.Clear(q.warning(what, nil, now).Key(), Stamp{At: now})
		}
		return
	}
	if asked == nil {
		asked = &unanswered{}
		q.all[what] = asked
	}
	if asked.failed++; asked.since.IsZero() {
		asked.since = now
		q.failing.Add(1)
	}
	if now.Sub(asked.since) >= unansweredFor {
		q.warnings.Report(q.warning(what, err, now))
	}
}

// warning returns the warning that a question keeps failing.
func (q *Questions) warning(what Question, err error, now time.Time) Warning {
	c := consequences[what]
	return Warning{
		Stamp: Stamp{At: now}, Instance: MachineName, Reason: WarnUnanswered, Subject: string(what),
		Text: fmt.Sprintf("ripcord cannot %s (%v); meanwhile %s; it tries again until that works: free memory or descriptors, or permit the request, as the error says", c.cannot, err, c.means),
	}
}

// Failed is how often a question has failed.
type Failed struct {
	Question Question
	Count    uint64
}

// Failures returns how often each question has failed, for those that did, by name.
func (q *Questions) Failures() (all []Failed) {
	if q == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for what, asked := range q.all {
		all = append(all, Failed{what, asked.failed})
	}
	slices.SortFunc(all, func(a, b Failed) int { return cmp.Compare(a.Question, b.Question) })
	return all
}
