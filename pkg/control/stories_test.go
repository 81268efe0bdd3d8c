package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// lineOf returns a line of the log, some µs after the fact of its trace.
func lineOf(trace, event, more string, us int) string {
	at := began.Add(time.Duration(us) * time.Microsecond).Format(time.RFC3339Nano)
	return fmt.Sprintf(`{"ts":%q,"level":"info","event":%q,"msg":"what happened %d µs after","trace":%q,"elapsed_us":%d%s}`, at, event, us, trace, us, more)
}

// storyAnswer is a story in the API.
type storyAnswer struct {
	Cause   string
	Outages []struct{ Text string }
	Lines   []json.RawMessage
	LeftOut int `json:"left_out"`
}

// requestStories requests the stories.
func requestStories(t *testing.T, h http.Handler, query string) []storyAnswer {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, StoriesPath+query, nil))
	var answer struct{ Stories []storyAnswer }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d, %v: %s", w.Code, err, w.Body)
	}
	return answer.Stories
}

// TestLongStory requires that only the first lines of a long story are sent, with its outages and
// the number of omitted lines.
func TestLongStory(t *testing.T) {
	k := newKept(lineOf("a", "instance.transition", `,"instance":"i","from":"backup","to":"active","reason":"peer-resigned"`, 0))
	for i := range maxStoryLines + 50 {
		k.write(lineOf("a", "address.added", `,"instance":"i"`, i+1))
	}
	s := requestStories(t, handler(Config{Source: router{}, Events: k}), "")
	if len(s) != 1 || len(s[0].Lines) != maxStoryLines || s[0].LeftOut != 51 || len(s[0].Outages) != 1 ||
		s[0].Outages[0].Text != "i: 0.2 ms from the resignation until this router served" {
		t.Errorf("%d stories; the first has %d lines, and %d left out; %+v", len(s), len(s[0].Lines), s[0].LeftOut, s[0].Outages)
	}
}

// counting is a log that counts how often it is read.
type counting struct {
	*kept
	reads int
}

func (c *counting) From(n uint64, most int) (uint64, [][]byte, <-chan struct{}) {
	c.reads++
	return c.kept.From(n, most)
}

// TestStoriesAreMadeOnce requires that many requests cost one reading of the log, until it has
// grown.
func TestStoriesAreMadeOnce(t *testing.T) {
	k := &counting{kept: newKept(lineOf("a", "instance.transition", `,"instance":"i","from":"backup","to":"active"`, 0))}
	h := handler(Config{Source: router{}, Events: k})
	for range 5 {
		if s := requestStories(t, h, ""); len(s) != 1 {
			t.Errorf("%d stories, want 1", len(s))
		}
	}
	if k.reads != 1 {
		t.Errorf("the log was read %d times for 5 requests", k.reads)
	}
	k.write(lineOf("b", "instance.transition", `,"instance":"i","from":"active","to":"backup"`, 10))
	if s := requestStories(t, h, ""); len(s) != 2 || k.reads != 2 {
		t.Errorf("%d stories after %d readings, want 2 after 2", len(s), k.reads)
	}
	if s := requestStories(t, h, "?last=1"); len(s) != 1 || string(s[0].Lines[0]) != lineOf("b", "instance.transition", `,"instance":"i","from":"active","to":"backup"`, 10) {
		t.Errorf("the last is %+v", s)
	}
}
