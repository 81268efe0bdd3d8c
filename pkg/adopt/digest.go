package adopt

import (
	"cmp"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
	"reflect"
	"slices"
)

// Digest identifies a configuration.
type Digest [2]uint64

// DigestOf returns the digest of some values, by the names and values of their fields. A field
// with its zero value counts as absent, so that a later build with more fields has the same
// digest for the same configuration. Functions are left out.
func DigestOf(values ...any) Digest {
	h := sha256.New()
	for _, v := range values {
		writeDigest(h, reflect.ValueOf(v))
	}
	all := h.Sum(nil)
	return Digest{binary.NativeEndian.Uint64(all), binary.NativeEndian.Uint64(all[8:])}
}

func writeDigest(h hash.Hash, v reflect.Value) {
	if text, ok := textOf(v); ok {
		_, _ = fmt.Fprintf(h, "%q,", text)
		return
	}
	switch {
	case v.CanInt():
		_, _ = fmt.Fprint(h, v.Int(), ",")
	case v.CanUint():
		_, _ = fmt.Fprint(h, v.Uint(), ",")
	case v.CanFloat():
		_, _ = fmt.Fprint(h, v.Float(), ",")
	}
	switch v.Kind() {
	case reflect.Bool:
		_, _ = fmt.Fprint(h, v.Bool(), ",")
	case reflect.String:
		_, _ = fmt.Fprintf(h, "%q,", v.String())
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			writeDigest(h, v.Elem())
		}
	case reflect.Struct:
		writeFields(h, v)
	case reflect.Slice, reflect.Array:
		_, _ = fmt.Fprint(h, v.Len(), "[")
		for i := range v.Len() {
			writeDigest(h, v.Index(i))
		}
	case reflect.Map:
		_, _ = fmt.Fprint(h, v.Len(), "[")
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			writeDigest(h, k)
			writeDigest(h, v.MapIndex(k))
		}
	}
}

func writeFields(h hash.Hash, v reflect.Value) {
	_, _ = fmt.Fprint(h, "{")
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsZero() && f.Kind() != reflect.Func {
			_, _ = fmt.Fprint(h, v.Type().Field(i).Name, ":")
			writeDigest(h, f)
		}
	}
	_, _ = fmt.Fprint(h, "}")
}

// textOf returns the text form of a value, if it has one, as addresses do: their internal fields
// may change with the next version of Go.
func textOf(v reflect.Value) (string, bool) {
	if !v.IsValid() || !v.CanInterface() || v.Kind() == reflect.Pointer {
		return "", false
	}
	m, ok := v.Interface().(encoding.TextMarshaler)
	if !ok {
		return "", false
	}
	text, err := m.MarshalText()
	return string(text), err == nil
}
