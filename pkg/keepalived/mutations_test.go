package keepalived

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"ripcord/pkg/keepalived/syntax"
)

// TestMutations checks that no damage to a file crashes its translation, or leaves it without
// a tree and without a reason.
func TestMutations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	signs := []string{"{", "}", "\"", "'", "\\", "\n", "#", "!", "$", "${A}", "$A=", "@", "~SEQ(A,1,3)", "~LST(A,1)", "include x\n", "-1", "99999999999", "\xff", "\x00", " ", "interface", "weight"}
	for range 10 {
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for range 1 + random.IntN(4) {
				at := random.IntN(len(text) + 1)
				upto := min(at+random.IntN(12), len(text))
				text = append(append(append([]byte{}, text[:at]...), signs[random.IntN(len(signs))]...), text[upto:]...)
			}
			tr := Translate(file, text, Options{ID: "alpha", System: testSystem{files: map[string]string{}}})
			failed := false
			for _, n := range tr.Notes {
				failed = failed || n.Class == syntax.Error
			}
			if failed == (tr.Root != nil) {
				t.Fatalf("%s: failed %t, tree %v:\n%s", file, failed, tr.Root != nil, text)
			}
		}
	}
}
