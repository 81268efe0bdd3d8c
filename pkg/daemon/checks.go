package daemon

import (
	"cmp"
	"fmt"

	"ripcord/pkg/command"
	"ripcord/pkg/config"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// checkSpecs returns the checks of a configuration as they run on this machine. A missing account
// is an error, since a check that can never run would be a permanent fault.
func checkSpecs(c *config.Config) ([]track.Spec, error) {
	var specs []track.Spec
	for _, k := range c.Checks {
		spec, err := Check(c, k)
		if err != nil {
			return nil, fmt.Errorf("%s: check %s %w", c.File, k.Name, err)
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// Check returns a check of a configuration as it runs on this machine: a command runs as its own
// user or as script_user. It returns an error if there is no such user.
func Check(c *config.Config, k config.Check) (track.Spec, error) {
	spec := k.Spec
	if cmd, ok := spec.Probe.(track.Command); ok {
		user, err := scriptUser(c, k)
		if err != nil {
			return spec, err
		}
		cmd.User = user
		spec.Probe = cmd
	}
	return spec, nil
}

// scriptUser returns the user as whom the command of a check runs.
func scriptUser(c *config.Config, k config.Check) (*command.User, error) {
	name, group, key := k.User, k.Group, "user"
	if name == "" {
		name, group, key = c.ScriptUser, cmp.Or(k.Group, c.ScriptGroup), "script_user"
	}
	user, err := command.LookupUser(name, group)
	if err != nil {
		return nil, fmt.Errorf("runs a command as %s %s: %w", key, name, err)
	}
	return user, nil
}

// adviseCommands returns why the commands of checks would fail on this machine. For a
// keepalived.conf the warnings say so already, with what keepalived does about it.
func adviseCommands(c *config.Config) (advice []string) {
	if c.Format == config.Keepalived {
		return nil
	}
	for _, k := range c.Checks {
		cmd, ok := k.Probe.(track.Command)
		if !ok {
			continue
		}
		user, err := scriptUser(c, k)
		if err != nil {
			advice = append(advice, fmt.Sprintf("check %s %v", k.Name, err))
			continue
		}
		if _, err := command.CheckExecutable(cmd.Argv[0], user); err != nil {
			advice = append(advice, fmt.Sprintf("check %s: %v", k.Name, err))
		}
	}
	return advice
}

// trackerStates maps the states of a check to those of the state machine.
var trackerStates = map[track.State]vrrp.TrackerState{
	track.Waiting: vrrp.TrackerWaiting, track.Up: vrrp.TrackerUp, track.Down: vrrp.TrackerDown,
}

// failure returns the error of the reported run; empty if it had none.
func failure(r track.Report) string {
	if r.Err == nil {
		return ""
	}
	return r.Err.Error()
}
