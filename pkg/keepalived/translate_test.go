package keepalived

import (
	"slices"
	"strings"
	"testing"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// FuzzTranslate checks that nothing crashes, and that a translation is complete: it has a tree or
// a note with the reason, and every place is in the file.
func FuzzTranslate(f *testing.F) {
	for _, seed := range []string{
		"vrrp_instance a {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress { 192.0.2.1/24 dev eth1 brd + }\n}",
		"$A=x \\\n y\n~SEQ(X,1,3) a $X ${A}", "@a b\n@^a c", "vrrp_script x { script \"a 'b' \\x41\" }", "~LST({A,B},{1,2}) $A",
		"global_defs { vrrp_strict }\nvrrp_sync_group g { group { a b } }", "include x*", "track_file f { file /x }",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		tr := Translate("/etc/x.conf", text, Options{ID: "a", System: testSystem{files: map[string]string{"/etc/x1": "a {"}}})
		failed := false
		for _, n := range tr.Notes {
			failed = failed || n.Class == syntax.Error
			if n.File < 0 || n.File >= len(tr.Files) || n.Line < 1 || n.Column < 1 || n.Message == "" {
				t.Errorf("%+v", n)
			}
		}
		if failed == (tr.Root != nil) {
			t.Errorf("failed %t, but the tree is %v", failed, tr.Root)
		}
		if tr.Root != nil {
			placed(t, tr.Root)
		}
	})
}

// placed checks that each value of a tree has a place.
func placed(t *testing.T, n *tree.Node) {
	if n.Line < 1 || n.Column < 1 {
		t.Errorf("%s %q has no place", n.Kind, n.Text)
	}
	for _, item := range n.Items {
		placed(t, item)
	}
	for _, e := range n.Entries {
		placed(t, e.Value)
	}
}

// TestErrorsAreKept checks that errors are kept with any number of other notes.
func TestErrorsAreKept(t *testing.T) {
	text := "vrrp_instance a {\n" + strings.Repeat("x 1\n", 5000) + "interface eth0\n}\n"
	tr := Translate("x.conf", []byte(text), Options{System: testSystem{}})
	if tr.Root != nil || !slices.ContainsFunc(tr.Notes, func(n syntax.Note) bool {
		return n.Class == syntax.Error && strings.Contains(n.Message, "virtual_router_id")
	}) {
		t.Errorf("%d notes, tree %v, and no error", len(tr.Notes), tr.Root)
	}
}
