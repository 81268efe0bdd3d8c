package control

import (
	"bytes"
	"encoding/json"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// fewInstances is the number of instances up to which a status is decoded as a whole.
const fewInstances = 64

// decodeStatus decodes a status. That of many instances is cut into parts that several processors
// decode: `ripcord status` with a thousand of them spends most of its time here.
func decodeStatus(text []byte, into *Status) error {
	key := []byte(`"instances":[`)
	begin := bytes.Index(text, key) + len(key) // a quote within a string has a backslash
	if begin < len(key) || bytes.Count(text, []byte(`"vrid":`)) < fewInstances {
		return json.Unmarshal(text, into)
	}
	parts, end := cutArray(text[begin:], runtime.GOMAXPROCS(0))
	if end < 0 {
		return json.Unmarshal(text, into) // its error says what is wrong
	}
	decoded := make([][]Instance, len(parts))
	var running errgroup.Group
	running.Go(func() error {
		return json.Unmarshal(slices.Concat(text[:begin], text[begin+end:]), into)
	})
	for i, part := range parts {
		running.Go(func() error {
			// A list that has to grow is copied repeatedly.
			decoded[i] = make([]Instance, 0, bytes.Count(part, []byte(`"vrid":`)))
			return json.Unmarshal(slices.Concat([]byte("["), part, []byte("]")), &decoded[i])
		})
	}
	if err := running.Wait(); err != nil {
		return err
	}
	into.Instances = slices.Concat(decoded...)
	return nil
}

// cutArray cuts the elements of an array into parts of about the same length; the text begins at
// the first element. It returns the parts with the index of the closing bracket, −1 if there is
// none. It does not check whether the elements are JSON.
func cutArray(text []byte, parts int) (all [][]byte, end int) {
	least := len(text)/parts + 1
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ']' && depth == 0:
			return append(all, text[from:i]), i
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',' && depth == 0 && i-from >= least:
			all, from = append(all, text[from:i]), i+1
		}
	}
	return nil, -1
}
