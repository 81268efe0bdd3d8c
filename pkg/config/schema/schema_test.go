package schema

import (
	"slices"
	"testing"
	"time"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/tree"
)

// house is the type that the table of the test fills.
type house struct {
	name  string
	rooms int
	wait  time.Duration
}

var houseKeys = Table[house]{
	{"name", Required, To(func(h *house) *string { return &h.name }, As(Description{Type: TypeText}, func(report *problem.Report, at problem.Place) (string, bool) {
		return report.Word(at, "text")
	})), "The name.", ""},
	{"rooms", "3", To(func(h *house) *int { return &h.rooms }, Number(1, 9)), "How many.", ""},
	{"wait", Optional, To(func(h *house) *time.Duration { return &h.wait }, Duration(0, time.Hour, time.Second)), "How long.", ""},
}

func scalar(key, text string) tree.Entry {
	return tree.Entry{Key: key, Position: tree.Position{Line: 1, Column: 1}, Value: &tree.Node{Kind: tree.Scalar, Text: text}}
}

// read reads a house and returns the messages of the problems.
func read(entries ...tree.Entry) (house, KeySet, []string) {
	report := problem.Of("x", nil)
	at := problem.Place{Node: &tree.Node{Kind: tree.Map, Entries: entries}}
	var h house
	present := houseKeys.Fill(report, at, &h)
	var said []string
	for _, p := range report.Problems() {
		said = append(said, p.Path+": "+p.Message)
	}
	return h, present, said
}

func TestTable(t *testing.T) {
	h, present, said := read(scalar("name", "a"), scalar("wait", "2s"))
	if want := (house{"a", 3, 2 * time.Second}); h != want || len(said) > 0 || !houseKeys.Sound(present) {
		t.Errorf("%+v, %q; want %+v, the default where there is no key, and no problem", h, said, want)
	}
	for _, c := range []struct {
		entries []tree.Entry
		want    []string
	}{
		{nil, []string{"name: missing, and it has no default"}},
		{[]tree.Entry{scalar("nme", "a")}, []string{"nme: unknown key"}}, // name is meant, and not missing
		{[]tree.Entry{scalar("name", "a"), scalar("rooms", "10")}, []string{"rooms: 10 is not between 1 and 9"}},
		{[]tree.Entry{scalar("name", "a"), scalar("rooms", "010")}, []string{"rooms: 010 could mean an octal number"}},
		{[]tree.Entry{scalar("name", "a"), scalar("wait", "1500ms")}, []string{"wait: 1500ms is not a multiple of 1s"}},
	} {
		if _, present, said := read(c.entries...); !slices.Equal(said, c.want) || houseKeys.Sound(present) {
			t.Errorf("%+v: %q, want %q", c.entries, said, c.want)
		}
	}
}

// TestDescribe checks the texts that the reference page gets from a table.
func TestDescribe(t *testing.T) {
	d := houseKeys.Describe()
	if !d[0].Required || d[0].Default != "" || d[1].Required || d[1].Default != "3" || d[2].Required || d[2].Default != "" {
		t.Errorf("%+v", d)
	}
	for d, want := range map[*Description]string{
		&d[1].Value: "1 to 9", &d[2].Value: "duration, 0s to 1h in steps of 1s",
		{Type: TypeChoice, Words: []string{"a", "b"}}: "`a`, `b`",
	} {
		if got := d.Accepts(); got != want {
			t.Errorf("%+v accepts %q, want %q", d, got, want)
		}
	}
}

// TestLists checks that readable entries of a list are kept beside unreadable ones.
func TestLists(t *testing.T) {
	list := &tree.Node{Kind: tree.List, Items: []*tree.Node{{Kind: tree.Scalar, Text: "1"}, {Kind: tree.Scalar, Text: "x", Index: 1}, {Kind: tree.Scalar, Text: "3", Index: 2}}}
	report := problem.Of("x", nil)
	all, ok := Some(Each(Number(1, 9))).Read(report, problem.Place{Path: "n", Node: list})
	if !ok || !slices.Equal(all, []int{1, 3}) || report.Count() != 1 || report.Problems()[0].Path != "n[1]" {
		t.Errorf("%v, %v", all, report.Problems())
	}
	if _, ok := Some(Each(Number(1, 9))).Read(report, problem.Place{Node: &tree.Node{Kind: tree.List}}); ok {
		t.Error("an empty list is accepted")
	}
}
