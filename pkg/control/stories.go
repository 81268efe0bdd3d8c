package control

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"ripcord/pkg/story"
)

// StoriesPath is the path of the stories of the last failovers.
const StoriesPath = "/v1/stories"

const (
	storyQuiet    = 10 * time.Second // by the log: the longest time between two lines of a story
	storyLog      = 4000             // the number of newest lines from which stories are made
	maxStories    = 50               // the number of stories that are kept
	maxStoryLines = 200              // the number of lines of a story that are sent
)

// Stories is the answer to GET /v1/stories: the newest last, each as `ripcord events --json` prints
// it.
type Stories struct {
	Stories []json.RawMessage `json:"stories"`
}

// storyCache holds the stories of the newest lines. It makes them again only when there are further
// lines, so that many clients cost no more than one.
type storyCache struct {
	events Events

	mu   sync.Mutex
	upTo uint64 // the number of the first line after them
	all  []json.RawMessage
}

// stories serves the last failovers, all or the requested number.
func (c Config) stories() http.HandlerFunc {
	if c.Events == nil {
		return nil
	}
	cache := &storyCache{events: c.Events}
	return func(w http.ResponseWriter, r *http.Request) {
		q := query{r.URL.Query(), nil}
		last := q.number("last")
		if err := q.end("last"); err != nil {
			fail(w, http.StatusBadRequest, "%v", err)
			return
		}
		all := cache.stories()
		if last > 0 && last < uint64(len(all)) {
			all = all[len(all)-int(last):]
		}
		answer(w, http.StatusOK, Stories{all})
	}
}

// stories returns the stories as JSON.
func (t *storyCache) stories() []json.RawMessage {
	t.mu.Lock()
	defer t.mu.Unlock()
	end := newest(t.events)
	if t.all != nil && end == t.upTo {
		return t.all
	}
	first := end - min(end, storyLog)
	_, lines, _ := t.events.From(first, storyLog)
	b := story.Builder{Quiet: storyQuiet}
	var all []story.Story
	for _, text := range lines {
		if l, err := story.Parse(bytes.TrimSpace(text)); err == nil {
			all = append(all, b.Add(l)...)
		}
	}
	all = append(all, b.Rest()...)
	slices.SortStableFunc(all, func(a, b story.Story) int { return a.At().Compare(b.At()) })
	all = all[max(0, len(all)-maxStories):]
	t.upTo, t.all = end, make([]json.RawMessage, 0, len(all))
	for i := range all {
		all[i].Limit = maxStoryLines
		if text, err := json.Marshal(&all[i]); err == nil { // it consists of strings, numbers and lines that were JSON
			t.all = append(t.all, text)
		}
	}
	return t.all
}
