package keepalived

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
)

// trackedKind is the kind of a tracked thing.
type trackedKind uint8

const (
	trackedInterface trackedKind = iota
	trackedScript
	trackedFile
	trackedProcess
)

// String returns keepalived's keyword for the kind.
func (k trackedKind) String() string {
	return [...]string{"interface", "script", "track_file", "track_process"}[k]
}

// A tracked is one entry of track_interface or a similar block.
type tracked struct {
	kind    trackedKind
	name    syntax.Word
	weight  int // 0: its failure is a fault
	reverse bool
}

// standard returns the default weight of a tracked thing, and whether the thing is known.
func (cs *checks) standard(kind trackedKind, name string) (weight int, reverse, known bool) {
	switch kind {
	case trackedScript:
		if s := cs.scripts[name]; s != nil {
			return s.weight.value, s.reverse, true
		}
	case trackedFile:
		if f := cs.files[name]; f != nil {
			return f.weightOr1(), f.reverse, true
		}
	case trackedProcess:
		if p := cs.processes[name]; p != nil {
			return p.weight.value, p.reverse, true
		}
	default:
		return 0, false, true
	}
	return 0, false, false
}

// readTracked reads one entry per line: a name, and an optional weight.
func (cs *checks) readTracked(s *syntax.Statement, kind trackedKind, into *[]tracked) {
	taken := map[string]bool{}
	for _, other := range *into {
		taken[other.name.Text] = taken[other.name.Text] || other.kind == kind
	}
	for _, entry := range s.Block {
		if len(entry.Words) == 0 {
			continue
		}
		w := entry.Words[0]
		weight, reverse, known := cs.standard(kind, w.Text)
		if !known && kind == trackedScript && cs.gone[w.Text] {
			continue // noted at the script
		}
		if !known {
			cs.report.Ignore(w.Position, cs.elsewhere(kind, w.Text), "no %s above is named %s: it is not tracked", kind, syntax.Show(w.Text))
			continue
		}
		if kind == trackedInterface && !isLink(w.Text) {
			cs.report.Ignore(w.Position, "", "%s cannot be the name of an interface: it is not tracked", syntax.Show(w.Text))
			continue
		}
		if taken[w.Text] {
			cs.report.Ignore(w.Position, "leave one out", "%s is tracked already", syntax.Show(w.Text))
			continue
		}
		one := tracked{kind: kind, name: w, weight: weight, reverse: reverse}
		if weightOf(cs.report, entry, &one) {
			taken[w.Text] = true
			*into = append(*into, one)
		} else {
			cs.drop(kind, w.Text)
		}
	}
}

// trackedTo reads the entries of one kind.
func trackedTo[T any](kind trackedKind, field func(*T) *[]tracked) func(*translator, *syntax.Statement, *T) {
	return func(t *translator, s *syntax.Statement, into *T) { t.checks.readTracked(s, kind, field(into)) }
}

// elsewhere returns a hint at what a name that is not known yet may mean.
func (cs *checks) elsewhere(kind trackedKind, name string) string {
	if kind != trackedScript || cs.report.Full() {
		return ""
	}
	if cs.later[name] {
		return "move its vrrp_script to a place before this one"
	}
	return spelling.DidYouMean(nearest(name, slices.Sorted(maps.Keys(cs.scripts))))
}

// weightOf reads the options after the name of a tracked thing, and reports whether it stays
// tracked.
func weightOf(r *syntax.Report, s *syntax.Statement, one *tracked) bool {
	if len(s.Words) == 1 {
		return true
	}
	if s.Word(1) != "weight" || len(s.Words) == 2 {
		r.Ignore(s.Words[1].Position, "write it like: "+s.Word(0)+" weight -20, one on each line", "%s is not a weight: %s is not tracked", syntax.Show(s.Word(1)), syntax.Show(s.Word(0)))
		return false
	}
	if n := leadingIn(r, s.Words[2], -254, 254, one.withoutOwn()); n.said {
		one.weight = min(max(n.value, -maxWeight), maxWeight)
		if one.kind == trackedFile {
			one.weight = n.value
		}
	}
	switch s.Word(3) {
	case "":
	case "reverse":
		one.reverse = true
	case "noreverse":
		one.reverse = false
	default:
		r.Ignore(s.Words[3].Position, "", "%s is not an option of a weight: it is left out", syntax.Show(s.Word(3)))
	}
	return true
}

// withoutOwn describes what happens if the entry has no usable weight of its own.
func (one tracked) withoutOwn() string {
	name := syntax.Show(one.name.Text)
	switch {
	case one.kind == trackedInterface:
		return "the loss of " + name + " is a fault"
	case one.weight == 0:
		return "the failure of " + name + " is a fault"
	}
	return fmt.Sprintf("%s keeps the weight %d of its own block", name, one.weight)
}

// maxWeight is the distance between the priorities 1 and 254.
const maxWeight = 253

// trackerTree returns an entry of track.
func (cs *checks) trackerTree(one tracked, title string) *tree.Node {
	name := title + ": " + one.kind.String() + " " + syntax.Show(one.name.Text)
	m := newMap(one.name.Position, name)
	switch one.kind {
	case trackedInterface:
		m.text("interface", one.name.Position, one.name.Text)
	case trackedFile:
		m.text("check", one.name.Position, cs.fileCheck(one))
		return m.Node
	default:
		m.text("check", one.name.Position, cs.nameOf(one.kind, one.name.Text))
	}
	weight := one.weight
	if one.reverse { // ripcord's reverse inverts the state, keepalived's inverts the sign of the weight
		weight = -weight
	}
	if weight != 0 {
		m.text("weight", one.name.Position, strconv.Itoa(weight))
	} else if standard, _, _ := cs.standard(one.kind, one.name.Text); standard != 0 {
		m.text("weight", one.name.Position, "none")
	}
	if one.reverse {
		m.text("reverse", one.name.Position, "true")
	}
	return m.Node
}

// nameOf returns the name of a check. In keepalived.conf scripts, files and processes may share a
// name.
func (cs *checks) nameOf(kind trackedKind, name string) string {
	taken := kind != trackedScript && cs.scripts[name] != nil || kind == trackedProcess && cs.files[name] != nil
	if taken {
		return name + "." + kind.String()
	}
	return name
}

// fileCheck returns the name of the check of a file. There is one for each weight, because the
// check holds the weight.
func (cs *checks) fileCheck(one tracked) string {
	f := cs.files[one.name.Text]
	weight := one.weight
	if one.reverse {
		weight = -weight
	}
	name := cs.nameOf(trackedFile, one.name.Text)
	for i, w := range f.weights {
		if w == weight {
			return variant(name, i)
		}
	}
	f.weights = append(f.weights, weight)
	return variant(name, len(f.weights)-1)
}

func variant(name string, n int) string {
	if n == 0 {
		return name
	}
	return name + "." + strconv.Itoa(n+1)
}
