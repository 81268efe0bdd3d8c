package schema

import (
	"ripcord/pkg/config/problem"
	"ripcord/pkg/tree"
)

// A Form reads a value of one type. If it cannot, it reports why and returns false.
type Form[V any] struct {
	What Description
	Read func(report *problem.Report, at problem.Place) (V, bool)
}

// As makes a form from a function and the description of the values it accepts.
func As[V any](what Description, read func(report *problem.Report, at problem.Place) (V, bool)) Form[V] {
	return Form[V]{what, read}
}

// Into makes a value from a function and the description of the values it accepts.
func Into[T any](what Description, read func(report *problem.Report, at problem.Place, into *T) bool) Value[T] {
	return Value[T]{what, read}
}

// To returns a value that reads into a field.
func To[T, V any](field func(*T) *V, f Form[V]) Value[T] {
	return Value[T]{f.What, func(report *problem.Report, at problem.Place, into *T) bool {
		v, ok := f.Read(report, at)
		if ok {
			*field(into) = v
		}
		return ok
	}}
}

// Said returns a value that reads into a field, and sets another field if the key is present.
func Said[T, V any](fields func(*T) (value *V, said *bool), f Form[V]) Value[T] {
	return Value[T]{f.What, func(report *problem.Report, at problem.Place, into *T) bool {
		v, ok := f.Read(report, at)
		if ok {
			value, said := fields(into)
			*value, *said = v, true
		}
		return ok
	}}
}

// Section returns a value that reads a map by its own table.
func Section[T, S any](field func(*T) *S, keys Table[S]) Value[T] {
	return Value[T]{MapOf(keys), func(report *problem.Report, at problem.Place, into *T) bool {
		return keys.Read(report, at, field(into)) != nil
	}}
}

// Filled returns a value that reads a map by its own table into a pointer, and reports the required
// keys that are missing.
func Filled[T, S any](field func(*T) **S, keys Table[S]) Value[T] {
	return Value[T]{MapOf(keys), func(report *problem.Report, at problem.Place, into *T) bool {
		s := new(S)
		if keys.Fill(report, at, s) == nil {
			return false
		}
		*field(into) = s
		return true
	}}
}

// Each reads a list whose entries have one form.
func Each[V any](f Form[V]) Form[[]V] {
	return Form[[]V]{ListOf(f.What, 0), func(report *problem.Report, at problem.Place) ([]V, bool) {
		if !report.Expect(at, tree.List) {
			return nil, false
		}
		var all []V
		for i := range at.Node.Items {
			if v, ok := f.Read(report, at.Item(i)); ok {
				all = append(all, v)
			}
		}
		// Keep the entries that could be read even if others could not: their other problems can be
		// reported, too.
		return all, true
	}}
}

// Some refuses an empty list.
func Some[V any](f Form[[]V]) Form[[]V] {
	what := f.What
	what.Least = 1
	return Form[[]V]{what, func(report *problem.Report, at problem.Place) ([]V, bool) {
		if at.Node.Kind == tree.List && len(at.Node.Items) == 0 {
			report.Fail(at, "needs at least one entry")
			return nil, false
		}
		return f.Read(report, at)
	}}
}
