package machine

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// run executes one command of a script.
func (l *lan) run(line []string) error {
	w := &words{rest: line}
	to := l.routers
	if name, ok := strings.CutSuffix(line[0], ":"); ok {
		w.next()
		to = nil
		for _, r := range l.routers {
			if r.name == name {
				to = []*router{r}
			}
		}
	}
	switch verb := w.next(); verb {
	case "router":
		l.addRouter(w)
	case "track":
		r := l.routers[len(l.routers)-1]
		r.group.Track = append(r.group.Track, trackerOf(w))
	case "fence":
		fence := &vrrp.Fence{Argv: []string{"/usr/sbin/fence"}, Timeout: 10 * time.Second}
		switch policy := w.next(); policy {
		case "hold":
		case "proceed":
			fence.Proceed = true
		default:
			w.fail(fmt.Errorf("unknown policy %q", policy))
		}
		l.routers[len(l.routers)-1].group.Fence = fence
	case "fault-all":
		l.routers[len(l.routers)-1].group.FaultAll = true
	case "last-standing":
		l.routers[len(l.routers)-1].group.LastStanding = true
	case "config":
		for _, r := range to {
			r.group = vrrp.Group{Name: r.group.Name}
			l.routers = append(slices.DeleteFunc(l.routers, func(o *router) bool { return o == r }), r) // the following lines configure it
		}
	case "member":
		if len(l.routers) == 0 {
			l.addRouter(&words{rest: []string{"r1"}})
		}
		l.routers[len(l.routers)-1].addMember(w)
	case "at":
		w.fail(l.until(l.begin.Add(take(w, time.ParseDuration))))
	case "sleep":
		l.now = l.now.Add(take(w, time.ParseDuration))
	default:
		if len(to) == 0 {
			return fmt.Errorf("unknown router")
		}
		for _, r := range to {
			each := *w
			l.order(r, verb, &each)
			w.fail(each.err)
		}
	}
	return w.err
}

// order executes a command for one router.
func (l *lan) order(r *router, verb string, w *words) {
	switch verb {
	case "boot":
		for _, link := range r.links {
			l.see(r, link.Name, true, w)
		}
		l.step(r, "", vrrp.Start{Cause: l.minter.Cause(l.now)})
	case "start":
		l.step(r, "", vrrp.Start{Cause: l.minter.Cause(l.now)})
	case "adopted":
		in := vrrp.Adopted{Cause: l.minter.Cause(l.now), Group: r.machine(l).facts.name, Priority: 100}
		in.Last = l.now.Add(-take(w, time.ParseDuration))
		in.Until, in.Since = in.Last.Add(1500*time.Millisecond), in.Last.Add(-time.Hour)
		w.options(func(name string) bool {
			switch name {
			case "priority":
				in.Priority = uint8(take(w, strconv.Atoi))
			case "handover":
				in.Handover = true
			case "since":
				in.Since = in.Last.Add(-take(w, time.ParseDuration))
			default:
				return false
			}
			return true
		})
		l.step(r, "", in)
	case "recalled":
		in := vrrp.Recalled{Cause: l.minter.Cause(l.now), Instance: w.next()}
		a := vrrp.Advertiser{Source: take(w, netip.ParseAddr), Priority: uint8(take(w, strconv.Atoi)), Interval: time.Second}
		w.options(func(name string) bool { a.Interval = take(w, time.ParseDuration); return name == "interval" })
		in.Actives = append(in.Actives, a)
		l.step(r, "", in)
	case "stop":
		l.step(r, "", vrrp.Stop{Cause: l.minter.Cause(l.now)})
	case "up", "down":
		l.see(r, w.next(), verb == "up", w)
	case "heard":
		l.step(r, "", l.advert(w))
	case "stalled":
		l.step(r, "", vrrp.Stalled{Cause: l.minter.Cause(l.now), Instance: w.next(), Gap: take(w, time.ParseDuration)})
	case "slept":
		l.step(r, "", vrrp.Slept{Cause: l.minter.Cause(l.now), Gap: take(w, time.ParseDuration)})
	case "lease":
		in := vrrp.LeaseLost{Cause: l.minter.Cause(l.now), Instance: w.next(), Gap: take(w, time.ParseDuration), Resigned: true}
		w.options(func(name string) bool { in.Resigned = false; return name == "released" })
		l.step(r, "", in)
	case "sends":
		in := vrrp.Sends{Cause: l.minter.Cause(l.now), Instance: w.next(), InRow: take(w, strconv.Atoi), Err: "refused"}
		w.options(func(name string) bool { in.To = take(w, netip.ParseAddr); return name == "to" })
		l.step(r, "", in)
	case "probed":
		in := vrrp.Probed{Cause: l.minter.Cause(l.now), Instance: w.next(), Err: "refused"}
		w.options(func(name string) bool {
			in.Refused = append(in.Refused, take(w, netip.ParseAddr))
			return name == "refused"
		})
		l.step(r, "", in)
	case "placed":
		l.step(r, "", placed(l.minter.Cause(l.now), w))
	case "condition":
		in := vrrp.Condition{Cause: l.minter.Cause(l.now), Instance: w.next(), Reason: event.Reason(w.next()), On: w.next() == "on"}
		if in.On {
			in.Err = "is so"
		}
		l.step(r, "", in)
	case "fenced":
		in := vrrp.Fenced{Cause: l.minter.Cause(l.now)}
		switch result := w.next(); result {
		case "ok":
		case "failed":
			in.Err = "exit status 1"
		default:
			w.fail(fmt.Errorf("unknown result %q", result))
		}
		run := len(r.fences) - 1
		w.options(func(name string) bool { run--; return name == "late" })
		in.Ticket = r.fences[run]
		l.step(r, "", in)
	case "tracked":
		l.step(r, "", tracked(l.minter.Cause(l.now), w))
	case "reload":
		links := slices.Clone(r.seen)
		w.options(func(name string) bool { // a link has returned, and the report of it is yet to be read
			back := w.next()
			for i := range links {
				links[i].Usable = links[i].Usable || links[i].Name == back
			}
			return name == "ahead"
		})
		l.step(r, "", vrrp.Reconfigured{Cause: l.minter.Cause(l.now), Group: r.group, Links: links})
	case "release":
		in := vrrp.Released{Cause: l.minter.Cause(l.now), Group: r.machine(l).facts.name, On: true}
		w.options(func(name string) bool {
			in.Until = l.now.Add(take(w, time.ParseDuration))
			return name == "for"
		})
		l.step(r, "", in)
	case "resume":
		l.step(r, "", vrrp.Released{Cause: l.minter.Cause(l.now), Group: r.machine(l).facts.name})
	case "rejoined":
		in, at := w.next(), l.now
		w.options(func(name string) bool { at = l.now.Add(-take(w, time.ParseDuration)); return name == "age" })
		l.step(r, "", vrrp.Rejoined{Cause: l.minter.Cause(at), Instance: in})
	case "watched":
		l.step(r, "", watched(l, w))
	case "forwards":
		at := l.now
		link := w.next()
		w.options(func(name string) bool { at = l.now.Add(-take(w, time.ParseDuration)); return name == "age" })
		l.step(r, "", vrrp.Forwards{Cause: l.minter.Cause(at), Interface: link})
	case "verifiers":
		r.silent = w.next() == "silent"
	case "records":
		l.records = w.next() == "shown"
	case "receiver":
		l.summaries = w.next() == "summarizes"
	case "engine":
		r.mute = w.next() == "silent"
	case "answer":
		by, ticket := vrrp.Verifier(w.next()), len(r.asked)-1
		w.options(func(name string) bool { ticket--; return name == "late" })
		l.step(r, "", vrrp.Answered{Ticket: r.asked[ticket], By: by})
	case "lose":
		r.lose[w.next()] = take(w, strconv.Atoi)
	case "cut":
		r.cut[w.next()] = true
	case "mend":
		delete(r.cut, w.next())
	case "status":
		l.status(r, w.next())
	case "deadline":
		if at, ok := r.machine(l).Deadline(); ok {
			l.trace = append(l.trace, at.Sub(l.begin).String())
		} else {
			l.trace = append(l.trace, "none")
		}
	default:
		w.fail(fmt.Errorf("unknown command"))
	}
}

// watched parses a report about the answers of an Active.
func watched(l *lan, w *words) vrrp.Watched {
	in := vrrp.Watched{Cause: l.minter.Cause(l.now), Instance: w.next(), Active: take(w, netip.ParseAddr)}
	in.Since, in.Answered, in.Asked, in.Unanswered = l.now.Add(-150*time.Millisecond), 100, 100, 17
	switch shows := w.next(); shows {
	case "unasked":
	case "irregular":
		in.Liveness = vrrp.Irregular
	case "answering":
		in.Liveness = vrrp.Answering
	case "silent":
		in.Liveness = vrrp.Silent
	default:
		w.fail(fmt.Errorf("unknown liveness %q", shows))
	}
	w.options(func(name string) bool {
		switch name {
		case "others-silent":
			in.OtherStations = vrrp.OtherStationsSilent
		case "others-answer":
			in.OtherStations = vrrp.OtherStationsAnswer
		default:
			return false
		}
		return true
	})
	return in
}

// tracked parses the state of a check.
func tracked(cause event.Cause, w *words) vrrp.Tracked {
	in := vrrp.Tracked{Cause: cause, Check: w.next()}
	switch state := w.next(); state {
	case "up":
		in.State = vrrp.TrackerUp
	case "down":
		in.State, in.Err = vrrp.TrackerDown, "exit status 1"
	default:
		w.fail(fmt.Errorf("unknown state %q", state))
	}
	w.options(func(name string) bool { in.Change = take(w, strconv.Atoi); return name == "change" })
	return in
}

// trackerOf parses a tracker.
func trackerOf(w *words) vrrp.Tracker {
	t := vrrp.Tracker{Name: w.next()}
	if kind, name, ok := strings.Cut(t.Name, ":"); ok && kind == "check" {
		t.Kind, t.Name = vrrp.TrackCheck, name
	}
	if len(w.rest) > 0 {
		if n, err := strconv.Atoi(w.rest[0]); err == nil {
			w.next()
			t.Weight = n
		} else if w.rest[0] == "reported" {
			w.next()
			t.Reported = true
		}
	}
	if len(w.rest) > 0 && w.rest[0] == "reverse" {
		w.next()
		t.Reverse = true
	}
	return t
}

// placed parses a report of what a member lacks.
func placed(cause event.Cause, w *words) vrrp.Placed {
	in := vrrp.Placed{Cause: cause, Instance: w.next()}
	switch degree := w.next(); degree {
	case "all":
		return in
	case "no-extra":
		in.Degree = vrrp.Optional
	case "some":
		in.Degree = vrrp.Partial
	case "none":
		in.Degree = vrrp.Total
	default:
		w.fail(fmt.Errorf("unknown degree %q", degree))
	}
	in.Missing = []string{"something"}
	if in.Refused = len(w.rest) > 0 && w.rest[0] == "refused"; in.Refused {
		w.next()
	}
	return in
}

func (l *lan) addRouter(w *words) {
	r := &router{name: w.next(), lose: make(map[string]int), cut: make(map[string]bool)}
	if len(w.rest) > 0 {
		r.group.Name = w.next()
	}
	l.routers = append(l.routers, r)
}

func (r *router) addMember(w *words) {
	in := vrrp.Instance{Priority: 100, Interval: time.Second, Miss: 3, Preempt: true}
	in.Name, in.Interface, in.Group = w.next(), w.next(), r.group.Name
	in.VRID = uint8(51 + len(r.group.Members))
	source := take(w, netip.ParseAddr)
	in.Family = event.FamilyOf(source)
	if link := r.link(in.Interface); in.Family == event.IPv6 {
		link.LinkLocal6 = source
	} else {
		link.Primary4 = source
	}
	w.options(func(name string) bool {
		switch name {
		case "version":
			in.Version = take(w, version)
		case "priority":
			in.Priority = uint8(take(w, strconv.Atoi))
		case "interval":
			in.Interval = take(w, time.ParseDuration)
		case "miss":
			in.Miss = take(w, strconv.Atoi)
		case "routers":
			in.Routers = take(w, strconv.Atoi)
		case "watch":
			in.Watching = vrrp.Watching{Interval: take(w, time.ParseDuration), Miss: 3}
		case "preempt":
			in.Preempt = w.next() != "off"
		case "preempt-delay":
			in.PreemptDelay = take(w, time.ParseDuration)
		case "startup-delay":
			in.StartupDelay = take(w, time.ParseDuration)
		case "track":
			in.Track = append(in.Track, trackerOf(w))
		case "track-link":
			in.IgnoreLink = w.next() == "off"
		case "peers":
			for len(w.rest) > 0 {
				in.Unicast.Peers = append(in.Unicast.Peers, take(w, netip.ParseAddr))
			}
		case "source":
			in.Source = take(w, netip.ParseAddr)
		case "peer":
			in.Unicast = vrrp.Unicast{Peers: []netip.Addr{take(w, netip.ParseAddr)}, TTL: 255, MinTTL: 255}
		case "virtual":
			in.Addresses = append(in.Addresses, take(w, netip.ParseAddr))
		case "recovery":
			in.Recovery = vrrp.Recovery{Adverts: take(w, strconv.Atoi), Wait: take(w, time.ParseDuration)}
		case "checksum":
			form := w.next()
			in.AutoChecksum, in.Checksum = form == "auto", checksums[form]
		default:
			return false
		}
		return true
	})
	r.group.Members = append(r.group.Members, in)
}

// see reports a state of a link to a router.
func (l *lan) see(r *router, name string, usable bool, w *words) {
	r.seq++
	link := r.link(name)
	link.Seq = r.seq
	now := *link // options that apply only to this report
	w.options(func(name string) bool {
		switch name {
		case "address":
			link.Primary4, _ = netip.ParseAddr(w.next()) // parsing "none" fails and leaves the zero address
			now.Primary4 = link.Primary4
		case "sources":
			link.Sources = nil
			if list := w.next(); list != "none" {
				sources := []netip.Prefix{}
				for text := range strings.SplitSeq(list, ",") {
					sources = append(sources, netip.MustParsePrefix(text))
				}
				link.Sources = &sources
			}
			now.Sources = link.Sources
		case "master":
			now.Master, now.AdminUp, now.Carrier = w.next(), true, true
		case "duplicate":
			now.Duplicate = take(w, netip.ParseAddr)
		case "no-carrier":
			now.AdminUp = true
		case "bare":
			now.Primary4, now.LinkLocal6 = netip.Addr{}, netip.Addr{}
		case "index":
			link.Index = take(w, strconv.Atoi)
			now.Index = link.Index
		case "downs":
			now.Downs = take(w, strconv.Atoi)
		case "seq":
			now.Seq = uint64(take(w, strconv.Atoi))
		default:
			return false
		}
		return true
	})
	now.Cause, now.Usable = l.minter.Cause(l.now), usable
	if !usable {
		now.Downs++
	}
	r.seen = append(slices.DeleteFunc(r.seen, func(o event.Link) bool { return o.Name == name }), now.Rest())
	l.step(r, "", vrrp.LinkSeen{Link: now})
}

func (l *lan) advert(w *words) vrrp.Heard {
	name := w.next()
	h := vrrp.Heard{Instance: name, Version: l.versionOf(name), Source: take(w, netip.ParseAddr), Priority: uint8(take(w, strconv.Atoi)), Interval: time.Second}
	at := l.now
	w.options(func(name string) bool {
		switch name {
		case "version":
			h.Version = take(w, version)
		case "interval":
			h.Interval = take(w, time.ParseDuration)
		case "age":
			at = l.now.Add(-take(w, time.ParseDuration))
		case "checksum":
			h.Checksum = checksums[w.next()]
		case "stale":
			h.Stale = true
		case "invalid":
			h.Invalid = true
		default:
			return false
		}
		return true
	})
	h.Cause = l.minter.Cause(at)
	return h
}

// versionOf returns the version of the members with the given name: a router that hears their
// adverts may use another one.
func (l *lan) versionOf(name string) wire.Version {
	for _, r := range l.routers {
		for _, in := range r.group.Members {
			if in.Name == name {
				return in.Version
			}
		}
	}
	return wire.V3
}

func version(word string) (wire.Version, error) {
	for _, v := range []wire.Version{wire.V3, wire.V2} {
		if word == fmt.Sprint(v.Number()) {
			return v, nil
		}
	}
	return 0, fmt.Errorf("version %s is not 2 or 3", word)
}

// status adds the status of a member to the trace.
func (l *lan) status(r *router, member string) {
	st := r.machine(l).Status(l.now)
	for _, in := range st.Members {
		if in.Instance.Name != member {
			continue
		}
		said := fmt.Sprintf("%s, last event %s, new active reason %s; interval %v, Active_Down_Interval %v, Skew_Time %v",
			in.State, in.LastEvent, in.NewActiveReason, in.Interval, in.ActiveDownInterval, in.SkewTime)
		if in.ActiveAddress.IsValid() {
			said += fmt.Sprintf("; Active is %v with priority %d", in.ActiveAddress, in.ActivePriority)
		}
		if text := in.Watch.Describe(in.Instance, in.State); text != "" {
			said += "; probe " + text
		}
		if in.LastStanding {
			said += "; last standing, the group is " + st.State.String()
		}
		if st.Holding != "" {
			said += "; holding " + st.Holding
		}
		if w := st.WaitOf(&in); w.Reason != "" {
			said += "; waits (" + w.Reason + ")"
			if !w.Until.IsZero() {
				said += fmt.Sprintf(" until %v", w.Until.Sub(l.begin))
			}
		}
		for _, f := range in.Faults {
			if said += fmt.Sprintf("; fault %s of %s", f.Reason, f.Source); f.Forwards {
				said += ", which forwards"
			}
		}
		for _, t := range slices.Concat(in.Trackers, st.Trackers) {
			state := [...]string{"waiting", "up", "down"}[t.State]
			said += fmt.Sprintf("; tracks %s, %s since %v", t.Name, state, t.Since.Sub(l.begin))
			if t.Adds != 0 {
				said += fmt.Sprintf(", adds %d", t.Adds)
			}
		}
		if len(in.Missing) > 0 {
			said += fmt.Sprintf("; lacks %v, priority %d", in.Missing, in.EffectivePriority)
		}
		l.trace = append(l.trace, said)
	}
}
