package machine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ripcord/test/golden"
)

// TestScripts plays testdata/*.txt. A line is a command, a comment, or, if it is indented, the
// expected output: the instant, the cause, and the effects in their order. Instants count from
// the start of the script. A command may begin with "NAME:" of one router; otherwise it is for
// all of them.
//
//	router NAME [GROUP]                   the following lines configure it
//	member NAME LINK ADDRESS [OPTION]...  version 2, priority N, interval D, miss N,
//	                                      preempt off, checksum auto|rfc9568,
//	                                      recovery ADVERTS WAIT,
//	                                      preempt-delay D, startup-delay D,
//	                                      source ADDRESS, peers ADDRESS... (the last option)
//	                                      track WHAT (see below), track-link off
//	track LINK|check:NAME [WEIGHT|reported] [reverse]
//	                                      a tracker of the group
//	fence hold|proceed                    the group has a fence, with a timeout of 10s
//	fenced ok|failed [late]               its command has ended; late: the previous one
//	last-standing                         healthy members serve alone while no router serves
//	fault-all                             all trackers of the group have to fail
//	config | reload                       the following lines are a new configuration; it is applied
//	tracked CHECK up|down [change N]
//	release [for D] | resume
//	boot | start | stop                   boot: all links are up, then start
//	adopted AGO [priority N] [since AGO] [handover]
//	                                      AGO after the last advert of the previous daemon,
//	                                      of at most 1.5s
//	up LINK [OPTION]...                   address A|none, sources A|none, index N, downs N, seq N,
//	                                      bare: no address of any family this time
//	down LINK [seq N] [no-carrier]        no-carrier: it is administratively up
//	heard MEMBER SOURCE PRIORITY [OPTION]...
//	                                      version 2|3 (else that of the member),
//	                                      interval D, age D, checksum rfc9568, stale, invalid
//	watched MEMBER ACTIVE unasked|irregular|answering|silent [others-silent|others-answer]
//	                                      a report about its machine; silent: for 150ms
//	forwards LINK [age D]                 a station has answered
//	stalled | lease MEMBER GAP
//	slept GAP                             the whole router stood still
//	sends MEMBER ROW [to ADDRESS]         that many in a row were refused
//	probed MEMBER [refused ADDRESS]...    the outcome of a probe, or of a first advert
//	receiver summarizes                   show which adverts are summarized
//	records shown                         show which Actives are recorded for the next daemon
//	recalled MEMBER SOURCE PRIORITY [interval D]
//	                                      the previous daemon had heard that Active
//	engine answers|silent                 silent: it reports that only by the command probed
//	placed MEMBER all|no-extra|some|none  which of its objects are in place
//	verifiers answer|silent               silent: they answer only by the command answer
//	answer receiver|confirmer [late]      late: to the ticket before the last
//	at INSTANT                            advance the time, and perform what is due
//	sleep DURATION                        advance the time, and perform nothing
//	lose MEMBER N                         lose the next N frames
//	cut LINK | mend LINK                  no frames in either direction, no report of the link
//	status MEMBER | deadline
//
// Routers that have members of the same name hear one another after 1 ms.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := play(string(script))
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, file, got)
		})
	}
}

// play runs a script and returns it with its trace.
func play(script string) (string, error) {
	var out bytes.Buffer
	l := newLAN()
	for i, line := range strings.Split(strings.TrimSuffix(script, "\n"), "\n") {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		fmt.Fprintln(&out, line)
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if err := l.run(words); err != nil {
			return "", fmt.Errorf("line %d: %s: %w", i+1, line, err)
		}
		for _, traced := range l.trace {
			fmt.Fprintf(&out, "\t%s\n", traced)
		}
		if len(l.trace) == 0 && words[0] == "at" {
			fmt.Fprintln(&out, "\tnothing")
		}
		l.trace = nil
	}
	return out.String(), nil
}

// words are the arguments of a command, taken one after another.
type words struct {
	rest []string
	err  error
}

func (w *words) next() string {
	if len(w.rest) == 0 {
		w.fail(fmt.Errorf("a word is missing"))
		return ""
	}
	word := w.rest[0]
	w.rest = w.rest[1:]
	return word
}

func (w *words) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// take parses the next word.
func take[T any](w *words, parse func(string) (T, error)) T {
	v, err := parse(w.next())
	if err != nil {
		w.fail(err)
	}
	return v
}

// options calls set for each remaining option; set reports whether it knows the option.
func (w *words) options(set func(name string) bool) {
	for len(w.rest) > 0 && w.err == nil {
		if name := w.next(); !set(name) {
			w.fail(fmt.Errorf("unknown option %q", name))
		}
	}
}
