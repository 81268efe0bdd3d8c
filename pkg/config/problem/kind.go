package problem

import "ripcord/pkg/tree"

// Expect reports a value that is not of the kind it has to be.
func (r *Report) Expect(at Place, want tree.Kind) bool {
	if at.Node.Kind != want {
		r.mismatch(at, want.String())
	}
	return at.Node.Kind == want
}

// Word is the text of a scalar; what says what it has to be if there is none.
func (r *Report) Word(at Place, what string) (string, bool) {
	if at.Node.Kind != tree.Scalar {
		r.mismatch(at, what)
	}
	return at.Node.Text, at.Node.Kind == tree.Scalar
}

func (r *Report) mismatch(at Place, want string) {
	hint := ""
	if want == tree.List.String() {
		hint = `its entries stand in [ ], or on lines that begin with "- "`
	}
	switch got := at.Node.Kind; got {
	case tree.Broken: // was reported already
	case tree.Null:
		r.Advise(at, "give it one, or leave the key out", "has no value")
	default:
		r.Advise(at, hint, "needs %s, not %s", want, got)
	}
}
