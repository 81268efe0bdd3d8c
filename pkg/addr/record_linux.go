package addr

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"ripcord/pkg/event"
	"ripcord/pkg/rundir"
)

// recordKernel is a kernel that keeps no mark: a file names our addresses. Like the addresses, it
// does not outlive a reboot.
type recordKernel struct {
	*netlinkKernel
	path string
	ours map[event.AddressKey]string // the link's name: an index may be used again
}

// openRecord reads the file at path, if there is one, and makes its directory.
func openRecord(k *netlinkKernel, path string) (*recordKernel, error) {
	r := &recordKernel{netlinkKernel: k, path: path, ours: make(map[event.AddressKey]string)}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("making the directory for the record of our addresses: %w", err)
	}
	data, err := rundir.Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the record of our addresses: %w", err)
	}
	for line := range bytes.Lines(data) {
		var index int
		var name, text string
		_, err := fmt.Sscan(string(line), &index, &name, &text)
		prefix, perr := netip.ParsePrefix(text)
		if err := errors.Join(err, perr); err != nil {
			return nil, fmt.Errorf("the record of our addresses %s has the line %q: %w: remove the file, and the addresses it names", path, line, err)
		}
		if now, err := net.InterfaceByIndex(index); err == nil && now.Name == name {
			r.ours[event.AddressKey{Index: index, Prefix: prefix}] = name
		}
	}
	return r, nil
}

// write replaces the file in one step, so that a crash leaves the old or the new.
func (r *recordKernel) write() error {
	var lines []string
	for key, name := range r.ours {
		lines = append(lines, fmt.Sprintf("%d %s %s\n", key.Index, name, key.Prefix))
	}
	slices.Sort(lines)
	data := make([]byte, 0, 32*len(lines))
	for _, line := range lines {
		data = append(data, line...)
	}
	if err := rundir.Replace(r.path, data); err != nil {
		return fmt.Errorf("recording our addresses: %w", err)
	}
	return nil
}

// AddBatch records addresses that do not exist yet before it adds them: a crash in between leaves a
// line too many, never an address without a line.
func (r *recordKernel) AddBatch(ops []Op) error {
	all, err := r.List()
	if err != nil {
		return err
	}
	stands := make(map[spot]bool)
	for _, s := range all {
		stands[spot{s.Index, s.Prefix.Addr()}] = true
	}
	var errs []error
	var add []Op
	for _, op := range ops {
		if stands[spot{op.Index, op.Prefix.Addr()}] {
			errs = append(errs, fmt.Errorf("%s is on link %d already", op.Prefix, op.Index))
			continue
		}
		r.ours[op.key()] = op.Interface
		add = append(add, op)
	}
	if err := r.write(); err != nil {
		for _, op := range add {
			delete(r.ours, op.key())
		}
		return err
	}
	return errors.Join(append(errs, r.netlinkKernel.AddBatch(add))...)
}

// RemoveBatch removes addresses, and then deletes their lines.
func (r *recordKernel) RemoveBatch(ops []Op) error {
	err := r.netlinkKernel.RemoveBatch(ops)
	if err == nil {
		for _, op := range ops {
			delete(r.ours, op.key())
		}
	}
	return errors.Join(err, r.write())
}

// List marks the addresses in the record, and deletes lines of addresses that no longer exist: one
// that appears later is not ours.
func (r *recordKernel) List() ([]Standing, error) {
	all, err := r.netlinkKernel.List()
	if err != nil {
		return nil, err
	}
	stands := make(map[event.AddressKey]bool)
	for i := range all {
		key := event.AddressKey{Index: all[i].Index, Prefix: all[i].Prefix}
		_, all[i].Marked = r.ours[key]
		stands[key] = true
	}
	for key := range r.ours {
		if !stands[key] {
			delete(r.ours, key)
		}
	}
	return all, nil
}
