package addr

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"ripcord/pkg/rundir"
	"ripcord/pkg/sysctl"
)

// promoted is the value of promote_secondaries that keeps the other addresses.
const promoted = "1"

// promoteKey returns the sysctl without which the kernel, when it removes the first address of a
// subnet, also removes the others, whichever program added them.
func promoteKey(link string) string { return "ipv4/conf/" + link + "/promote_secondaries" }

// PromoteSecondaries sets promote_secondaries of the link, unless that of all links is set, and
// records the former value.
func (k *netlinkKernel) PromoteSecondaries(index int, name string) error {
	if name == "" {
		link, err := k.conn.LinkByIndex(index)
		if err != nil {
			return nil // with the link its addresses are gone
		}
		name = link.Name
	}
	if now, err := sysctl.Read(promoteKey("all")); err == nil && now == promoted {
		return nil // it need not be writable, as in some containers
	}
	was, err := sysctl.Read(promoteKey(name))
	if err == nil && was == promoted || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if k.secondaries == nil {
		k.secondaries = make(map[int]secondaries)
	}
	// The value is recorded first: a crash in between leaves a line too many, not a setting that is
	// never restored. Without a record a crash loses the value, which matters less than the
	// addresses that the setting keeps.
	k.secondaries[index] = secondaries{link: name, was: was}
	_ = k.recordSecondaries()
	if err := sysctl.Write(promoteKey(name), promoted); err != nil {
		delete(k.secondaries, index)
		_ = k.recordSecondaries()
		return err
	}
	return nil
}

// RestoreSecondaries restores the settings that are still as PromoteSecondaries left them, in this
// run or in a crashed one.
func (k *netlinkKernel) RestoreSecondaries() (restored []string, err error) {
	if len(k.secondaries) == 0 {
		return nil, nil
	}
	var errs []error
	for index, before := range k.secondaries {
		link, err := k.conn.LinkByIndex(index)
		if err == nil {
			if now, err := sysctl.Read(promoteKey(link.Name)); err == nil && now == promoted {
				if err := sysctl.Write(promoteKey(link.Name), before.was); err != nil {
					errs = append(errs, err)
					continue
				}
				if before.crashed {
					restored = append(restored, link.Name)
				}
			}
		} // with the link its settings are gone
		delete(k.secondaries, index)
	}
	errs = append(errs, k.recordSecondaries())
	slices.Sort(restored)
	if err := errors.Join(errs...); err != nil {
		return restored, fmt.Errorf("restoring the settings of links: %w", err)
	}
	return restored, nil
}

// secondaries is promote_secondaries of a link before it was changed.
type secondaries struct {
	link    string // its name, since an index may be used again
	was     string
	crashed bool // a crashed run changed it
}

// readSecondaries reads the record that a crashed run has left. It skips lines that cannot be read,
// or whose link is gone.
func (k *netlinkKernel) readSecondaries() {
	data, err := rundir.Read(k.record)
	if err != nil {
		return
	}
	here := namespaceCookie()
	for line := range strings.Lines(string(data)) {
		var index, was int
		var name string
		var space uint64
		if _, err := fmt.Sscan(line, &index, &name, &was, &space); err != nil || space != here {
			continue
		}
		if link, err := k.conn.LinkByIndex(index); err != nil || link.Name != name {
			continue
		}
		if k.secondaries == nil {
			k.secondaries = make(map[int]secondaries)
		}
		k.secondaries[index] = secondaries{name, strconv.Itoa(was), true}
		k.recorded = true
	}
}

// recordSecondaries replaces the record in one step, or removes it if there is nothing to record.
func (k *netlinkKernel) recordSecondaries() error {
	if k.record == "" {
		return nil
	}
	var lines []string
	here := namespaceCookie()
	for index, before := range k.secondaries {
		lines = append(lines, fmt.Sprintf("%d %s %s %d\n", index, before.link, before.was, here))
	}
	if len(lines) == 0 {
		if !k.recorded {
			return nil // a record of another namespace is not ours to remove, and may not be
		}
		if err := rundir.Remove(k.record); err != nil {
			return fmt.Errorf("removing the record of changed settings: %w", err)
		}
		k.recorded = false
		return nil
	}
	slices.Sort(lines)
	err := rundir.Replace(k.record, []byte(strings.Join(lines, "")))
	k.recorded = k.recorded || err == nil
	return err
}

// namespaceCookie returns the number of the calling thread's network namespace that, unlike its
// inode, no other namespace gets until the next boot; 0 before Linux 5.14.
func namespaceCookie() uint64 {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0
	}
	return cookie
}
