package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"ripcord/pkg/command"
	"ripcord/pkg/config"
	"ripcord/pkg/notify"
)

// Accounts returns an error if commands of a configuration run as users or groups that do not exist
// on this machine.
func Accounts(c *config.Config) error {
	_, checks := checkSpecs(c)
	settings, notify := notifySettingsOf(c)
	_, once := programRequests(c, settings.user)
	return errors.Join(checks, notify, once)
}

// defaultUser returns the user as whom commands run unless they name another.
func defaultUser(c *config.Config) (*command.User, error) {
	return command.LookupUser(c.ScriptUser, c.ScriptGroup)
}

// notifyUser returns the user as whom notify commands run; nil if the configuration has no such
// command.
func notifyUser(c *config.Config) (*command.User, error) {
	user, err := defaultUser(c)
	switch {
	case err == nil:
		return user, nil
	case len(c.Notify) == 0 && c.NotifyAll.Empty() && len(c.FIFOReader.Argv) == 0 && c.Startup == nil && c.Shutdown == nil && !fenced(c):
		return nil, nil
	}
	return nil, fmt.Errorf("notify and fence commands cannot run as script_user: %w", err)
}

// notifySettings are the notify commands of all instances and groups.
type notifySettings struct {
	commands map[subject]notify.Commands
	all      *notify.Commands // of every instance; nil: none
	user     *command.User    // script_user; nil: there is no such user, and no command
	reader   *command.User    // of the program that reads the FIFO
	fifo     *command.User    // the owner of the FIFO
	holds    map[string]bool  // the instances that have addresses
	names    map[subject]bool // all instances and groups
	// leaving are the commands of instances and groups that a reload removed, until their stop.
	leaving map[subject]notify.Commands
}

// notifySettingsOf returns the settings of a configuration as they apply on this machine.
func notifySettingsOf(c *config.Config) (s notifySettings, err error) {
	if s.user, err = notifyUser(c); err != nil {
		return s, fmt.Errorf("%s: %w", c.File, err)
	}
	if s.reader, err = account(c.FIFOReader.User, c.FIFOReader.Group, s.user); err != nil {
		return s, fmt.Errorf("%s: fifo_reader: %w", c.File, err)
	}
	if s.fifo, err = fifoAccount(c, s.reader); err != nil {
		return s, fmt.Errorf("%s: fifo_user: %w", c.File, err)
	}
	s.holds, s.names = make(map[string]bool), make(map[subject]bool)
	for _, set := range c.Sets {
		s.names[subject{name: set.Instance}] = true
	}
	for i := range c.Groups {
		if g := &c.Groups[i]; g.Name != "" {
			s.names[subject{true, g.Name}] = true
		}
	}
	if s.commands, err = commandsOf(c, s.user); err != nil {
		return s, fmt.Errorf("%s: %w", c.File, err)
	}
	if !c.NotifyAll.Empty() {
		all, err := commandsFor(c.NotifyAll, s.user)
		if err != nil {
			return s, fmt.Errorf("%s: notify: %w", c.File, err)
		}
		all.Every = true
		s.all = &all
	}
	if s.empty() && c.FIFO == "" {
		return s, nil
	}
	for _, set := range c.Sets {
		s.holds[set.Instance] = len(set.Addresses) > 0
	}
	return s, nil
}

func (s *notifySettings) empty() bool {
	return len(s.commands) == 0 && len(s.leaving) == 0 && s.all == nil
}

// of returns the commands of an instance or a group.
func (s *notifySettings) of(name subject) notify.Commands {
	if c, leaves := s.leaving[name]; leaves {
		return c
	}
	return s.commands[name]
}

// followedBy returns the settings after a reload: the next ones, with the commands of instances and
// groups that are gone, since these still have to stop.
func (s notifySettings) followedBy(next notifySettings) notifySettings {
	next.leaving = make(map[subject]notify.Commands)
	for _, commands := range []map[subject]notify.Commands{s.leaving, s.commands} {
		for of, c := range commands {
			if !next.names[of] {
				next.leaving[of] = c
			}
		}
	}
	for name, holds := range s.holds {
		if !next.names[subject{name: name}] {
			next.holds[name] = holds
		}
	}
	return next
}

// stopped forgets an instance or a group that is gone, since its stop was emitted.
func (s *notifySettings) stopped(of subject) {
	if s.names[of] {
		return
	}
	delete(s.leaving, of)
	if !of.group {
		delete(s.holds, of.name)
	}
}

// requests returns the request for each command of the configuration, without the parts that depend
// on the transition.
func (s *notifySettings) requests() (all []command.Request) {
	for of, c := range s.commands {
		kind := notify.Instance
		if of.group {
			kind = notify.Group
		}
		all = append(all, c.Requests(kind, of.name)...)
	}
	if s.all != nil {
		for of := range s.names {
			if !of.group {
				all = append(all, s.all.Requests(notify.Instance, of.name)...)
			}
		}
	}
	return all
}

// commandsOf returns the commands of each instance and group that has any.
func commandsOf(c *config.Config, user *command.User) (all map[subject]notify.Commands, err error) {
	all = make(map[subject]notify.Commands, len(c.Notify))
	for of, n := range c.Notify {
		if all[subject{of.Group, of.Name}], err = commandsFor(n, user); err != nil {
			return nil, fmt.Errorf("notify of %s: %w", of.Name, err)
		}
	}
	return all, nil
}

// commandsFor returns the commands of one section. They run as the section's user, or otherwise as
// the given user, unless a command has its own.
func commandsFor(n config.Notify, user *command.User) (out notify.Commands, err error) {
	if user, err = account(n.User, n.Group, user); err != nil {
		return out, err
	}
	for _, one := range []struct {
		config.Command
		into **notify.Command
	}{{n.Active, &out.Active}, {n.Backup, &out.Backup}, {n.Fault, &out.Fault}, {n.Stop, &out.Stop}, {n.Any, &out.Any}} {
		if len(one.Argv) == 0 {
			continue
		}
		own, err := account(one.User, one.Group, user)
		if err != nil {
			return notify.Commands{}, err
		}
		*one.into = &notify.Command{Argv: one.Argv, User: own, Timeout: n.Timeout}
	}
	return out, nil
}

// account returns the user and group with these names; an empty name stands for that of other.
func account(user, group string, other *command.User) (*command.User, error) {
	switch {
	case user != "":
		return command.LookupUser(user, group)
	case group != "" && other != nil:
		return command.LookupUser(other.Name, group)
	}
	return other, nil
}

// fifoAccount returns the owner of the FIFO: reader, unless the configuration names another user or
// group; nil: this process.
func fifoAccount(c *config.Config, reader *command.User) (*command.User, error) {
	if c.FIFOGroup != "" && c.FIFOUser == "" && reader == nil {
		return command.LookupUser("root", c.FIFOGroup) // only the number of the group counts
	}
	return account(c.FIFOUser, c.FIFOGroup, reader)
}

// refusal is a program that cannot or must not be run.
type refusal struct {
	path string
	err  error
}

// refused returns the programs that cannot or must not be run, by path; a program that several
// users run is listed again if the reason differs.
func refused(ctx context.Context, programs command.Runner, requests []command.Request) (all []refusal) {
	type run struct {
		path     string
		uid, gid uint32
	}
	seen := make(map[run]bool)
	for _, r := range requests {
		as := run{path: r.Argv[0]}
		if r.User != nil {
			as.uid, as.gid = r.User.UID, r.User.GID
		}
		if seen[as] {
			continue
		}
		seen[as] = true
		if err := programs.Check(ctx, r); err != nil && !errors.Is(err, command.ErrLost) {
			all = append(all, refusal{r.Argv[0], err})
		}
	}
	slices.SortFunc(all, func(a, b refusal) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.err.Error(), b.err.Error()))
	})
	return slices.CompactFunc(all, func(a, b refusal) bool { return a.path == b.path && a.err.Error() == b.err.Error() })
}

// adviseNotify returns why notify commands would not run on this machine, one sentence each.
func adviseNotify(c *config.Config) (advice []string) {
	user, err := notifyUser(c)
	if err != nil {
		return []string{err.Error()}
	}
	all, err := commandsFor(c.NotifyAll, user)
	s := notifySettings{all: &all, names: map[subject]bool{{}: true}}
	if err == nil {
		s.commands, err = commandsOf(c, user)
	}
	if err != nil {
		return []string{err.Error()}
	}
	for _, r := range refused(context.Background(), command.Local{}, s.requests()) {
		advice = append(advice, "a notify command will not run: "+r.err.Error())
	}
	return advice
}
