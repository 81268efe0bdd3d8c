package addr

import (
	"errors"
	"fmt"
	"io/fs"
)

// promoteKey is the sysctl without which the kernel, when it removes the first
// address of a subnet, removes the others too, whoever added them.
const promoteKey = "ipv4/conf/*/promote_secondaries"

// PromoteSecondaries sets promote_secondaries of the link, unless that of all links
// is set, and remembers what it was.
func (k *netlinkKernel) PromoteSecondaries(index int, name string) error {
	if name == "" {
		link, err := k.conn.LinkByIndex(index)
		if err != nil {
			return nil // with the link its addresses are gone
		}
		name = link.Name
	}
	s := setting{promoteKey, "1"}
	if now, err := readSysctl(s.on("all")); err == nil && now == s.value {
		return nil // it need not be writable, as in some containers
	}
	was, err := readSysctl(s.on(name))
	if err == nil && was == s.value || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := writeSysctl(s.on(name), s.value); err != nil {
		return err
	}
	if k.secondaries == nil {
		k.secondaries = make(map[int]string)
	}
	k.secondaries[index] = was
	return nil
}

// RestoreSecondaries writes back what is still as PromoteSecondaries left it.
func (k *netlinkKernel) RestoreSecondaries() error {
	var errs []error
	s := setting{promoteKey, "1"}
	for index, was := range k.secondaries {
		link, err := k.conn.LinkByIndex(index)
		if err != nil {
			continue // with the link its settings are gone
		}
		if now, err := readSysctl(s.on(link.Name)); err == nil && now == s.value {
			errs = append(errs, writeSysctl(s.on(link.Name), was))
		}
	}
	k.secondaries = nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("giving links their settings back: %w", err)
	}
	return nil
}
