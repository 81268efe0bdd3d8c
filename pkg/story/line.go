package story

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Line is a line of the log, as far as stories need it.
type Line struct {
	At      time.Time `json:"ts"`
	Level   string    `json:"level"`
	Event   string    `json:"event"`
	Message string    `json:"msg"`
	Trace   string    `json:"trace"` // empty: it followed from nothing
	Elapsed int64     `json:"elapsed_us"`

	Instance string `json:"instance"`
	Group    string `json:"group"`
	Reason   string `json:"reason"`
	Cause    string `json:"cause"` // of a group's transition: the member or tracker
	Kind     string `json:"kind"`
	Gap      int64  `json:"gap_us"` // of a stall
	From     string `json:"-"`      // the state of a transition
	To       string `json:"-"`

	raw json.RawMessage
}

// errNoLine is the error of a text that is no line of ripcord's log.
var errNoLine = errors.New("this is no line of ripcord's log")

// Parse reads a line of the log. The line keeps the text.
func Parse(text []byte) (Line, error) {
	both := struct {
		Line
		// Of other events than transitions these may be numbers.
		From, To json.RawMessage
	}{}
	if err := json.Unmarshal(text, &both); err != nil {
		return Line{}, fmt.Errorf("%w: %w", errNoLine, err)
	}
	l := both.Line
	if l.Event == "" || l.At.IsZero() {
		return Line{}, errNoLine
	}
	l.From, l.To = strings.Trim(string(both.From), `"`), strings.Trim(string(both.To), `"`)
	l.raw = json.RawMessage(text)
	return l, nil
}

func (l Line) moved() bool { return l.Event == "group.transition" || l.Event == "instance.transition" }

// serious reports whether a person has to read the line though nobody moved.
func (l Line) serious() bool { return l.Level == "warn" || l.Level == "error" }

// fact reports whether the line is about a fact that causes something, and not about its
// consequences.
func (l Line) fact() bool {
	if l.Event == "advert.rival" || l.Event == "instance.fault" || l.Event == "address.conflict" {
		return true
	}
	for _, subject := range []string{"link.", "check.", "engine.", "config.", "daemon.", "fence.", "probe."} {
		if strings.HasPrefix(l.Event, subject) {
			return true
		}
	}
	return false
}
