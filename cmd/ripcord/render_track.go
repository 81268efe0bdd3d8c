package main

import (
	"strconv"
	"time"

	"ripcord/pkg/control"
)

// tracker is an entry of a list `track`, with the instance or group that has it.
type tracker struct {
	by string
	control.Tracker
}

// trackersOf returns all trackers of a status: those of each group, then those of its members.
func trackersOf(s *control.Status) (list []tracker) {
	for _, g := range s.Groups {
		for _, t := range g.Trackers {
			list = append(list, tracker{"group " + g.Name, t})
		}
	}
	for _, i := range s.Instances {
		for _, t := range i.Trackers {
			list = append(list, tracker{i.Name, t})
		}
	}
	return list
}

func trackers(list []tracker, now time.Time) table {
	t := table{words("TRACKED BY", "TRACKS", "STATE", "SINCE", "WEIGHT", "ADDS", "WHY")}
	for _, k := range list {
		t = append(t, append([]cell{{text: k.by}, {text: k.Kind + " " + k.Name}, {text: k.State, colour: checkColours[k.State]}},
			words(ago(k.Since, now), weight(k.Tracker), adds(k.Adds), or(printable(k.Error)))...))
	}
	return t
}

// weight returns the weight of a tracker: "fault" if its failure is a fault, and "file" if the file
// contains the weight.
func weight(t control.Tracker) string {
	text := "fault"
	switch {
	case t.Weight != nil:
		text = strconv.Itoa(*t.Weight)
	case t.Kind == "file":
		text = "file"
	}
	if t.Reverse {
		text += " reverse"
	}
	return text
}
