package event

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestQuestions checks that a question is reported once when it has failed for a while, and again
// when it is answered, that a few failures are only counted, and that questions are independent.
func TestQuestions(t *testing.T) {
	var logged []string
	warnings := NewWarnings(func(e Event) { logged = append(logged, e.Level().String()+" "+e.Message()) })
	q := NewQuestions(warnings)
	failed := errors.New("netlink: no buffer space available")
	at := func(d time.Duration) time.Time { return epoch.Add(d) }

	q.Asked(AskLinks, failed, at(0))
	q.Asked(AskLinks, failed, at(unansweredFor-1))
	q.Asked(AskLinks, nil, at(unansweredFor))
	q.Asked(AskLinks, failed, at(2*unansweredFor))
	if len(logged) != 0 || len(warnings.All()) != 0 {
		t.Fatalf("a few failures were reported: %q", logged)
	}
	for i := range 20 {
		q.Asked(AskLinks, failed, at(3*unansweredFor+time.Duration(i)*time.Second))
		q.Asked(AskNeighbors, nil, at(3*unansweredFor+time.Duration(i)*time.Second))
	}
	all := warnings.Of(MachineName)
	if len(logged) != 1 || !strings.HasPrefix(logged[0], "error (machine): ripcord cannot list the links of this machine ("+failed.Error()+"); meanwhile it may miss the change of a link") {
		t.Errorf("logged %q, want one line", logged)
	}
	if len(all) != 1 || all[0].Reason != WarnUnanswered || all[0].Subject != "links" {
		t.Errorf("in force are %+v", all)
	}
	q.Asked(AskNeighbors, failed, at(time.Minute))
	q.Asked(AskLinks, nil, at(time.Minute))
	q.Asked(AskLinks, nil, at(time.Minute))
	if len(logged) != 2 || !strings.HasPrefix(logged[1], "info (machine): over: ripcord cannot list the links") || len(warnings.All()) != 0 {
		t.Errorf("when it was answered, %q were logged, and %+v are in force", logged[1:], warnings.All())
	}
	if got := q.Failures(); len(got) != 2 || got[0] != (Failed{AskLinks, 23}) || got[1] != (Failed{AskNeighbors, 1}) {
		t.Errorf("counted %+v", got)
	}
	var none *Questions
	none.Asked(AskLinks, failed, epoch)
	if none.Failures() != nil {
		t.Error("a nil Questions has failures")
	}
}

// TestQuestionsAreDescribed checks that each question has its consequence, and that
// docs/troubleshooting.md explains it in the same words.
func TestQuestionsAreDescribed(t *testing.T) {
	source, err := os.ReadFile("questions.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`Question = "([a-z0-9-]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(all) != len(consequences) || len(all) == 0 {
		t.Errorf("%d questions, and %d consequences", len(all), len(consequences))
	}
	rows := map[string]string{} // of the table, by subject
	for row := range strings.Lines(string(page)) {
		if cells := strings.Split(row, " | "); len(cells) == 3 {
			for subject := range strings.SplitSeq(strings.TrimPrefix(cells[0], "| "), ", ") {
				rows[strings.Trim(subject, "`")] = strings.NewReplacer("`", "").Replace(strings.ToLower(cells[2]))
			}
		}
	}
	for _, m := range all {
		c := consequences[Question(m[1])]
		if want := c.means + ". |"; c.cannot == "" || !strings.Contains(rows[m[1]], strings.ToLower(want)) {
			t.Errorf("docs/troubleshooting.md says of %s: %q, want %q", m[1], rows[m[1]], want)
		}
	}
}
