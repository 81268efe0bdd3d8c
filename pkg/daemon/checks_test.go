package daemon

import (
	"strings"
	"testing"

	"ripcord/pkg/config"
	"ripcord/pkg/track"
)

// TestChecks: a command runs as its own user or as script_user; other checks need neither.
func TestChecks(t *testing.T) {
	command := func(user, group string) config.Check {
		return config.Check{Spec: track.Spec{Name: "web", Probe: track.Command{Argv: []string{"/bin/true"}}}, User: user, Group: group}
	}
	for name, c := range map[string]struct {
		check      config.Check
		scriptUser string
		uid, gid   uint32
		err        string
	}{
		"script_user":         {check: command("", ""), scriptUser: "root"},
		"own user":            {check: command("daemon", ""), scriptUser: "nobody-here", uid: 1, gid: 1},
		"own group":           {check: command("root", "daemon"), scriptUser: "nobody-here", gid: 1},
		"group of the script": {check: command("", "daemon"), scriptUser: "root", gid: 1},
		"no script_user": {check: command("", ""), scriptUser: "nobody-here",
			err: "x.yaml: check web runs a command as script_user nobody-here: there is no user nobody-here"},
		"no user": {check: command("nobody-there", ""), scriptUser: "root",
			err: "x.yaml: check web runs a command as user nobody-there: there is no user nobody-there"},
		"no command": {check: config.Check{Spec: track.Spec{Name: "web", Probe: track.TCP{Address: "192.0.2.80:443"}}}, scriptUser: "nobody-here"},
	} {
		specs, err := checkSpecs(&config.Config{File: "x.yaml", ScriptUser: c.scriptUser, Checks: []config.Check{c.check}})
		if c.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %s", name, err, c.err)
			}
			continue
		}
		if err != nil || len(specs) != 1 {
			t.Errorf("%s: %v, %v", name, specs, err)
			continue
		}
		if cmd, ok := specs[0].Probe.(track.Command); ok && (cmd.User == nil || cmd.User.UID != c.uid || cmd.User.GID != c.gid) {
			t.Errorf("%s: runs as %+v", name, cmd.User)
		}
	}
}

// TestAdviseCommands requires that a command that would fail on this machine is named beforehand.
func TestAdviseCommands(t *testing.T) {
	check := func(name, program, user string) config.Check {
		return config.Check{Spec: track.Spec{Name: name, Probe: track.Command{Argv: []string{program}}}, User: user}
	}
	got := adviseCommands(&config.Config{ScriptUser: "root", Checks: []config.Check{
		check("good", "/bin/true", ""), check("missing", "/usr/bin/not-here", ""), check("stranger", "/bin/true", "nobody-here"),
	}})
	if len(got) != 2 || !strings.HasPrefix(got[0], "check missing: /usr/bin/not-here does not exist") ||
		!strings.HasPrefix(got[1], "check stranger runs a command as user nobody-here: ") {
		t.Errorf("%q", got)
	}
}
