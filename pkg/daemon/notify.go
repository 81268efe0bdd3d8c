package daemon

import (
	"context"
	"errors"
	"fmt"

	"ripcord/pkg/command"
	"ripcord/pkg/config"
	"ripcord/pkg/notify"
)

// Accounts returns an error if commands of a configuration run as users or groups that do not exist
// on this machine.
func Accounts(c *config.Config) error {
	_, checks := checkSpecs(c)
	settings, commands := notifySettingsOf(c)
	_, once := programRequests(c, settings.user)
	return errors.Join(checks, commands, once)
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

// notifySettings are the notify commands of a configuration, and the users that they need.
type notifySettings struct {
	notify.Settings
	user   *command.User // script_user; nil: there is no such user, and no command
	reader *command.User // of the program that reads the FIFO
	fifo   *command.User // the owner of the FIFO
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
	if s.Commands, err = commandsOf(c, s.user); err != nil {
		return s, fmt.Errorf("%s: %w", c.File, err)
	}
	if !c.NotifyAll.Empty() {
		every, err := commandsFor(c.NotifyAll, s.user)
		if err != nil {
			return s, fmt.Errorf("%s: notify: %w", c.File, err)
		}
		every.Every = true
		s.Every = &every
	}
	s.Subjects, s.HasAddresses = make(map[notify.Subject]bool), make(map[string]bool)
	for i := range c.Groups {
		if g := &c.Groups[i]; g.Name != "" {
			s.Subjects[notify.Subject{Kind: notify.Group, Name: g.Name}] = true
		}
	}
	used := !s.Empty() || c.FIFO != ""
	for _, set := range c.Sets {
		s.Subjects[notify.Subject{Kind: notify.Instance, Name: set.Instance}] = true
		if used {
			s.HasAddresses[set.Instance] = len(set.Addresses) > 0
		}
	}
	return s, nil
}

// subjectOf returns the instance or group of a section of the configuration.
func subjectOf(s config.Subject) notify.Subject {
	if s.Group {
		return notify.Subject{Kind: notify.Group, Name: s.Name}
	}
	return notify.Subject{Kind: notify.Instance, Name: s.Name}
}

// commandsOf returns the commands of each instance and group that has any.
func commandsOf(c *config.Config, user *command.User) (all map[notify.Subject]notify.Commands, err error) {
	all = make(map[notify.Subject]notify.Commands, len(c.Notify))
	for of, n := range c.Notify {
		if all[subjectOf(of)], err = commandsFor(n, user); err != nil {
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

// adviseNotify returns why notify commands would not run on this machine, one sentence each.
func adviseNotify(c *config.Config) (advice []string) {
	user, err := notifyUser(c)
	if err != nil {
		return []string{err.Error()}
	}
	every, err := commandsFor(c.NotifyAll, user)
	s := notify.Settings{Every: &every, Subjects: map[notify.Subject]bool{{}: true}}
	if err == nil {
		s.Commands, err = commandsOf(c, user)
	}
	if err != nil {
		return []string{err.Error()}
	}
	for _, r := range notify.Refused(context.Background(), command.Local{}, s.Requests()) {
		advice = append(advice, "a notify command will not run: "+r.Err.Error())
	}
	return advice
}
