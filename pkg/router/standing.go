package router

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// standing holds the results that are reported once and last until they are cancelled: releases,
// the states of checks, and conditions. A group that a reload has created, or that has a new
// member or tracker, receives those that concern it.
type standing map[vrrp.ResultKey]vrrp.Result

// note records such a result, or its cancellation.
func (s standing) note(in vrrp.Input) {
	switch in := in.(type) {
	case vrrp.Tracked:
		s[in.Key()] = in
	case vrrp.Released:
		s.keep(in, in.On)
	case vrrp.Condition:
		s.keep(in, in.On)
	}
}

func (s standing) keep(in vrrp.Result, on bool) {
	if on {
		s[in.Key()] = in
	} else {
		delete(s, in.Key())
	}
}

// forget drops the conditions of instances that are gone: a later instance with the same name
// starts without them.
func (s standing) forget(gone func(instance string) bool) {
	for key, in := range s {
		if condition, ok := in.(vrrp.Condition); ok && gone(condition.Instance) {
			delete(s, key)
		}
	}
}

// inherit applies the releases of groups to the groups of a new configuration that have their
// virtual routers.
func (s standing) inherit(from *vrrp.Succession) {
	var releases []vrrp.Released
	for key, in := range s {
		if r, is := in.(vrrp.Released); is && len(from.Heirs(r.Group)) > 0 {
			releases = append(releases, r)
			delete(s, key)
		}
	}
	for _, r := range releases {
		for _, r.Group = range from.Heirs(r.Group) {
			s.note(r)
		}
	}
}

// of returns the results that concern a group at the instant now, always in the same order.
func (s standing) of(g *vrrp.Group, now time.Time) func(yield func(vrrp.Input) bool) {
	return func(yield func(vrrp.Input) bool) {
		give := func(key vrrp.ResultKey) bool {
			in, ok := s[key]
			return !ok || yield(in)
		}
		for i := range g.Members {
			in := &g.Members[i]
			for _, reason := range event.Conditions {
				if !give(vrrp.Condition{Instance: in.Name, Reason: reason}.Key()) {
					return
				}
			}
			if !giveChecks(in.Track, give) {
				return
			}
		}
		released := vrrp.Released{Group: g.Title()}.Key()
		if r, ok := s[released].(vrrp.Released); ok && !r.Until.IsZero() && !now.Before(r.Until) {
			delete(s, released) // the release has expired
		}
		_ = giveChecks(g.Track, give) && give(released)
	}
}

func giveChecks(list []vrrp.Tracker, give func(vrrp.ResultKey) bool) bool {
	for _, t := range list {
		if t.Kind == vrrp.TrackCheck && !give(vrrp.Tracked{Check: t.Name}.Key()) {
			return false
		}
	}
	return true
}
