package problem

import "ripcord/pkg/tree"

// Expect reports a value that is not of the wanted kind.
func (r *Report) Expect(at Place, want tree.Kind) bool {
	if at.Node.Kind != want {
		r.mismatch(at, want.String())
	}
	return at.Node.Kind == want
}

// Word returns the text of a scalar. If the value is none, it reports that what is expected.
func (r *Report) Word(at Place, what string) (string, bool) {
	if at.Node.Kind != tree.Scalar {
		r.mismatch(at, what)
	}
	return at.Node.Text, at.Node.Kind == tree.Scalar
}

func (r *Report) mismatch(at Place, want string) {
	hint := ""
	if want == tree.List.String() {
		hint = `write its entries in [ ], or on lines that begin with "- "`
	}
	switch got := at.Node.Kind; got {
	case tree.Broken: // reported already
	case tree.Null:
		r.Advise(at, "give it one, or leave the key out", "has no value")
	default:
		r.Advise(at, hint, "needs %s, not %s", want, got)
	}
}
