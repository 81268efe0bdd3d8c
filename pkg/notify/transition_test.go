package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
)

// inside is a transition of an instance.
func inside(from, to event.State) Transition {
	return Transition{
		Kind: Instance, Name: "inside", From: from, To: to, Reason: event.ActiveTimeout,
		Priority: 150, Interface: "eth0", VRID: 51, Cause: event.Cause{Trace: 0xabc},
	}
}

func TestForms(t *testing.T) {
	group := Transition{Kind: Group, Name: "edge", From: event.Active, To: event.Initialize, Priority: 150}
	for _, c := range []struct {
		t          Transition
		args, line string
	}{
		{inside(event.Backup, event.Active), "INSTANCE inside MASTER 150", "INSTANCE \"inside\" MASTER 150\n"},
		{inside(event.Active, event.Backup), "INSTANCE inside BACKUP 150", "INSTANCE \"inside\" BACKUP 150\n"},
		{inside(event.Active, event.Fault), "INSTANCE inside FAULT 150", "INSTANCE \"inside\" FAULT 150\n"},
		{inside(event.Active, event.Initialize), "INSTANCE inside STOP 150", "INSTANCE \"inside\" STOP 150\n"},
		{group, "GROUP edge STOP 0", "GROUP \"edge\" STOP 0\n"},
	} {
		if got := strings.Join(c.t.Args(), " "); got != c.args {
			t.Errorf("the arguments are %q, want %q", got, c.args)
		}
		if got := c.t.Line(); got != c.line {
			t.Errorf("the line is %q, want %q", got, c.line)
		}
	}
	one := inside(event.Initialize, event.Active)
	want := "RIPCORD_NAME=inside RIPCORD_STATE=MASTER RIPCORD_PREVIOUS=INIT RIPCORD_REASON=active-timeout RIPCORD_PRIORITY=150 RIPCORD_INTERFACE=eth0 RIPCORD_VRID=51 RIPCORD_TRACE=0000000000000abc"
	if got := strings.Join(one.Env(), " "); got != want {
		t.Errorf("the environment is\n%s, want\n%s", got, want)
	}
	if env := group.Env(); !slices.Contains(env, "RIPCORD_VRID=") || !slices.Contains(env, "RIPCORD_INTERFACE=") || !slices.Contains(env, "RIPCORD_PREVIOUS=MASTER") {
		t.Errorf("the environment of a group is %q", env)
	}
}

// TestCommandsOf requires that the command for the state gets only its own arguments and runs
// first, and that the one for any state gets four more.
func TestCommandsOf(t *testing.T) {
	of := func(words ...string) *Command { return &Command{Argv: words} }
	all := Commands{Active: of("/active", "x"), Backup: of("/backup"), Fault: of("/fault"), Stop: of("/stop"), Any: of("/any", "y")}
	for _, c := range []struct {
		commands Commands
		to       event.State
		want     string
	}{
		{all, event.Active, "[/active x] [/any y INSTANCE inside MASTER 150]"},
		{all, event.Backup, "[/backup] [/any y INSTANCE inside BACKUP 150]"},
		{all, event.Fault, "[/fault] [/any y INSTANCE inside FAULT 150]"},
		{all, event.Initialize, "[/stop] [/any y INSTANCE inside STOP 150]"},
		{Commands{Active: all.Active}, event.Active, "[/active x]"},
		{Commands{Active: all.Active}, event.Backup, ""},
	} {
		tr := inside(event.Fault, c.to)
		var got []string
		for _, cmd := range c.commands.of(&tr) {
			got = append(got, fmt.Sprint(cmd.Argv))
			if cmd.Timeout != time.Hour || len(cmd.Env) != 8 || cmd.KillGroup {
				t.Errorf("got %+v", cmd)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v: got %v, want %s", c.to, got, c.want)
		}
	}
}

func at(d time.Duration) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(d) }

// drained returns all entries of a queue at an instant.
func drained(q *queue, now time.Time) string {
	var words []string
	for {
		e, ok := q.next(now.Add(-Stale))
		if !ok {
			return strings.Join(words, " ")
		}
		words = append(words, fmt.Sprintf("%s>%s+%d", Word(e.transition.From), e.transition.State(), e.merged))
	}
}

func TestQueue(t *testing.T) {
	fill := func(since ...time.Duration) *queue {
		q, from := new(queue), event.Initialize
		for i, s := range since {
			to := []event.State{event.Backup, event.Active, event.Fault}[i%3]
			q.push(entry{transition: inside(from, to), since: at(s), commands: []queued{{}}})
			from = to
		}
		return q
	}
	for _, c := range []struct {
		what string
		q    *queue
		now  time.Duration
		want string
	}{
		{"empty", fill(), 0, ""},
		{"all are fresh", fill(0, 0, 0), Stale, "INIT>BACKUP+0 BACKUP>MASTER+0 MASTER>FAULT+0"},
		{"the last is never left out", fill(0), time.Hour, "INIT>BACKUP+0"},
		{"those before it are", fill(0, 0, 0), Stale + 1, "INIT>FAULT+2"},
		{"only those that are stale", fill(0, 0, 3*time.Second, 4*time.Second), Stale + 1, "INIT>FAULT+2 FAULT>BACKUP+0"},
	} {
		if got := drained(c.q, at(c.now)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
	many := fill(make([]time.Duration, maxQueued+10)...)
	if n := len(many.entries); n != maxQueued {
		t.Errorf("%d wait, want %d", n, maxQueued)
	}
	if e, _ := many.next(at(-Stale)); e.merged != 10 || e.transition.From != event.Initialize {
		t.Errorf("the first is %+v", e)
	}
}
