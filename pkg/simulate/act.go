package simulate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ripcord/pkg/listing"
	"ripcord/pkg/spelling"
)

// Act is something done to a LAN at an instant: a line of --at.
type Act struct {
	At   time.Duration
	Text string // the line as it was written, without the instant
	do   func(*play)
}

// String returns the act in the form of the command line.
func (a Act) String() string { return a.At.String() + " " + a.Text }

// Acts parses lines of --at. It parses the reloads first, since the other lines may name
// interfaces that only the file of a reload has.
func (l *LAN) Acts(lines []string) ([]Act, error) {
	all := make([]Act, len(lines))
	for _, first := range []bool{true, false} {
		for i, line := range lines {
			if words := strings.Fields(line); (len(words) > 1 && words[1] == "reload") != first {
				continue
			}
			var err error
			if all[i], err = l.Act(line); err != nil {
				return nil, fmt.Errorf("--at %w", err)
			}
		}
	}
	return all, l.unplugged()
}

// Act parses a line: an instant, a verb and the arguments of the verb.
func (l *LAN) Act(line string) (Act, error) {
	w := words{lan: l, left: strings.Fields(line)}
	a, err := w.act()
	if err != nil {
		return Act{}, fmt.Errorf("%q: %w", line, err)
	}
	return a, nil
}

// words are the words of a line that are not parsed yet.
type words struct {
	lan  *LAN
	verb *verb
	left []string
}

func (w *words) act() (Act, error) {
	at, err := w.duration("the instant")
	if err != nil {
		return Act{}, err
	}
	text := strings.Join(w.left, " ")
	name, ok := w.take()
	if !ok {
		return Act{}, fmt.Errorf("the verb is missing: write one of %s", listed(verbNames()))
	}
	if name, err = named("verb", name, verbNames()); err != nil {
		return Act{}, err
	}
	w.verb = verbs[slices.IndexFunc(verbs, func(v *verb) bool { return v.name == name })]
	do, err := w.verb.read(w)
	if err != nil {
		return Act{}, err
	}
	if len(w.left) > 0 {
		return Act{}, fmt.Errorf("unexpected %q after the last argument: %s", strings.Join(w.left, " "), w.verb.usage())
	}
	return Act{At: at, Text: text, do: do}, nil
}

// take removes and returns the next word. It returns false if none is left.
func (w *words) take() (string, bool) {
	if len(w.left) == 0 {
		return "", false
	}
	word := w.left[0]
	w.left = w.left[1:]
	return word, true
}

// next removes and returns the next word. The error for a missing word names what was expected
// and shows the usage of the verb.
func (w *words) next(what string) (string, error) {
	word, ok := w.take()
	switch {
	case ok:
		return word, nil
	case w.verb == nil:
		return "", fmt.Errorf("%s is missing: write '5s unplug ROUTER INTERFACE'", what)
	}
	return "", fmt.Errorf("%s is missing: %s", what, w.verb.usage())
}

// duration parses the next word as a time.
func (w *words) duration(what string) (time.Duration, error) {
	word, err := w.next(what)
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(word)
	switch {
	case err != nil:
		if n, bad := strconv.ParseFloat(word, 64); bad == nil {
			return 0, fmt.Errorf("%s %q has no unit: write %vs", what, word, n)
		}
		return 0, fmt.Errorf("%s %q is not a time: write it as 5s, 1m30s or 200ms", what, word)
	case signed(word) && (w.verb == nil || w.verb.name != "clock"):
		return 0, fmt.Errorf("%s %q has a sign: write %s", what, word, strings.TrimLeft(word, "+-"))
	}
	return d, nil
}

// optional parses the next word as a time, and returns the default if no word is left.
func (w *words) optional(what string, otherwise time.Duration) (time.Duration, error) {
	if len(w.left) == 0 {
		return otherwise, nil
	}
	return w.duration(what)
}

// share parses the next word as a percentage: 30%.
func (w *words) share() (float64, error) {
	word, err := w.next("the share of lost frames")
	if err != nil {
		return 0, err
	}
	digits, ok := strings.CutSuffix(word, "%")
	n, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(n >= 0 && n <= 100) { // NaN is neither
		return 0, fmt.Errorf("%q is not a percentage: write a share of the frames from 0%% to 100%%", word)
	}
	return n / 100, nil
}

// router parses the next word as the name of a router.
func (w *words) router() (*router, error) {
	name, err := w.next("the router")
	if err != nil {
		return nil, err
	}
	return w.lan.find(name)
}

// port parses the next two words as a router and one of its interfaces.
func (w *words) port() (Port, error) {
	r, err := w.router()
	if err != nil {
		return Port{}, err
	}
	return w.portOf(r)
}

func (w *words) portOf(r *router) (Port, error) {
	name, err := w.next("the interface")
	if err == nil {
		_, err = named("interface of "+r.Name, name, r.all(interfaces))
	}
	return Port{r.Name, name}, err
}

// segment parses the next word as the name of a segment.
func (w *words) segment() (string, error) {
	name, err := w.next("the segment")
	if err != nil {
		return "", err
	}
	return named("segment", name, w.lan.segments)
}

// named returns the name if it is known. Otherwise the error suggests the known name that was
// probably meant.
func named(kind, name string, known []string) (string, error) {
	if slices.Contains(known, name) {
		return name, nil
	}
	hint := spelling.DidYouMean(spelling.Nearest(name, known))
	if hint == "" {
		hint = "there is " + listed(known)
		if len(known) == 0 {
			hint = "there is none"
		}
	}
	return "", fmt.Errorf("there is no %s %q: %s", kind, name, hint)
}

// listed formats words for a sentence, only the first ones of very many.
func listed(words []string) string { return listing.First(20, words) }
