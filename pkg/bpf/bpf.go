// Package bpf has what all eBPF programs of ripcord share: their license, and the error that an
// operator reads if the kernel refuses one.
package bpf

import "errors"

// License applies to the programs alone: the kernel only lets a program read its memory if the
// license is compatible with the GPL.
const License = "Dual MIT/GPL"

// Cause returns the innermost error: the outer ones name files and steps of the library, which do
// not help an operator.
func Cause(err error) error {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}
