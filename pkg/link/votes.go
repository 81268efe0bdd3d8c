package link

import (
	"slices"
	"time"

	"ripcord/pkg/event"
)

// say takes in what the source says at the instant at.
func (w *word) say(up bool, at time.Time) {
	switch {
	case up && (w.down || w.upAt.IsZero()):
		w.upAt = at
	case !up && (!w.down || w.downAt.IsZero()):
		w.downAt = at
	}
	w.down, w.at = !up, at
}

// announce takes in what the kernel says of its own accord. Whether it announced
// a turn or was found by a dump to have made it is told by the source.
func (e *entry) announce(up bool, source event.Source, at time.Time) {
	w := &e.kernel
	if w.at.IsZero() || up == w.down {
		w.source = source
	}
	w.say(up, at)
}

// witnesses are the words of all sources on a link and what it stands on, in the
// order in which they were first heard. Of a source that speaks of several, the
// word is told that counts: a down before an up, else the latest.
func (t *Table) witnesses(e *entry) []event.Word {
	var words []event.Word
	for range maxDepth {
		words = witness(words, &e.kernel)
		for i := range e.words {
			if !e.words[i].withdrawn {
				words = witness(words, &e.words[i])
			}
		}
		if e = t.byIndex[e.seen.Parent]; e == nil {
			break
		}
	}
	return words
}

func witness(words []event.Word, w *word) []event.Word {
	said := event.Word{Source: w.source, Up: !w.down, UpAt: w.upAt, DownAt: w.downAt}
	i := slices.IndexFunc(words, func(o event.Word) bool { return o.Source == said.Source })
	switch {
	case i < 0:
		return append(words, said)
	case words[i].Up && !said.Up, words[i].Up == said.Up && said.Since().After(words[i].Since()):
		words[i] = said
	}
	return words
}
