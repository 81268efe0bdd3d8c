package problem

import (
	"strings"
	"testing"

	"ripcord/pkg/tree"
)

// TestReport checks that problems are listed by file and position, with their line and without
// secrets, and warnings apart from them.
func TestReport(t *testing.T) {
	r := Of("a", []byte(BOM+"one\r\ntwo\r\n"))
	b := r.Add("b", []byte("pass: hush\n"))
	here := func(file, line int) Place {
		return Place{Path: "x", Position: tree.Position{File: file, Line: line, Column: 1}}
	}
	r.Fail(here(b, 1), "third")
	r.Advise(here(0, 2), "do this", "second, of %s", r.Mention(here(b, 1), here(0, 2)))
	r.Fail(here(0, 1), "first")
	r.Classify(here(0, 1), Differs, "", "another")
	want := "a:1:1: x: first\n 1 | one\n   | ^\na:2:1: x: second, of x in b; do this\n 2 | two\n   | ^\nb:1:1: x: third\n 1 | pass: ****\n   | ^"
	if got := r.Problems().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if w := r.Warnings(); r.Count() != 3 || len(w) != 1 || w[0].Class != Differs {
		t.Errorf("%d problems, warnings %+v", r.Count(), w)
	}
	if r.Bytes() != len(BOM)+10+11 || r.Name(b) != "b" {
		t.Errorf("%d bytes, %s", r.Bytes(), r.Name(b))
	}
}

// TestNoSuggestionBeyond checks that a problem that is not listed gets no suggestion, which would
// take time.
func TestNoSuggestionBeyond(t *testing.T) {
	r := Of("a", []byte("x\n"))
	if got := r.Suggest("vird", []string{"vrid"}); got != "vrid" {
		t.Errorf("%q is suggested", got)
	}
	for range MaxListed + 1 {
		r.Fail(Place{}, "no")
	}
	if got := r.Suggest("vird", []string{"vrid"}); got != "" {
		t.Errorf("%q is suggested", got)
	}
	if said := r.Problems(); said.Total() != MaxListed+1 || !strings.HasSuffix(said.Error(), "\nand 1 more") {
		t.Errorf("%d problems", said.Total())
	}
}
