package story

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Line is a line of the log, with the fields that stories need.
type Line struct {
	At      time.Time `json:"ts"`
	Level   string    `json:"level"`
	Event   string    `json:"event"`
	Message string    `json:"msg"`
	Trace   string    `json:"trace"` // empty if it has no cause
	Elapsed int64     `json:"elapsed_us"`

	Instance string `json:"instance"`
	Group    string `json:"group"`
	Reason   string `json:"reason"`
	Cause    string `json:"cause"` // for a group's transition: the member or tracker
	Kind     string `json:"kind"`
	Gap      int64  `json:"gap_us"` // for a stall
	From     string `json:"-"`      // for a transition: the old state
	To       string `json:"-"`

	raw json.RawMessage
}

// errNoLine is the error for a text that is not a line of ripcord's log.
var errNoLine = errors.New("this is not a line of ripcord's log")

// Parse parses a line of the log. The line keeps a reference to the text.
func Parse(text []byte) (Line, error) {
	both := struct {
		Line
		// In events other than transitions these may be numbers.
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

// adopted reports whether the line says that a group stayed Active when the daemon was replaced.
func (l Line) adopted() bool { return l.Event == "group.adopted" }

// serious reports whether a person has to read the line although no state changed.
func (l Line) serious() bool { return l.Level == "warn" || l.Level == "error" }

// fact reports whether the line is about a fact that has consequences, not about a consequence.
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
