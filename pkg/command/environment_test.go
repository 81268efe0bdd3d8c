package command

import (
	"slices"
	"strings"
	"testing"
)

// TestEnvironment requires that a program inherits the environment of its starter, without the
// variables that a service manager set only for the daemon, and each variable once.
func TestEnvironment(t *testing.T) {
	other := &User{Name: "other", UID: 54321, Home: "/home/other"}
	for _, c := range []struct {
		name      string
		inherited []string
		user      *User
		extra     []string
		want      string
	}{
		{"none", nil, other, nil, "PATH=" + SearchPath + " HOME=/home/other USER=other LOGNAME=other SHELL=/bin/sh"},
		{"as another user", []string{"APP_PORT=80", "PATH=/opt/bin", "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/bash"}, other, nil,
			"APP_PORT=80 PATH=/opt/bin HOME=/home/other USER=other LOGNAME=other SHELL=/bin/sh"},
		{"as the daemon's own user", []string{"HOME=/config", "USER=u", "LOGNAME=l", "SHELL=/bin/bash", "PATH=/opt/bin"}, nil, nil,
			"HOME=/config USER=u LOGNAME=l SHELL=/bin/bash PATH=/opt/bin"},
		{"of a service", []string{"NOTIFY_SOCKET=/run/n", "WATCHDOG_USEC=1", "WATCHDOG_PID=1", "LISTEN_FDS=1", "LISTEN_PID=1", "LISTEN_FDNAMES=x",
			"LISTEN_PIDFDID=1", "GOMAXPROCS=1", "LISTEN_ADDRESS=::", "PATH=/bin", "HOME=/", "USER=u", "LOGNAME=u", "SHELL=/bin/sh"}, nil, nil,
			"LISTEN_ADDRESS=:: PATH=/bin HOME=/ USER=u LOGNAME=u SHELL=/bin/sh"},
		{"with a variable twice", []string{"RIPCORD_STATE=FAULT", "PATH=/bin", "RIPCORD_STATE=STOP"}, other, []string{"RIPCORD_STATE=MASTER"},
			"PATH=/bin HOME=/home/other USER=other LOGNAME=other SHELL=/bin/sh RIPCORD_STATE=MASTER"},
	} {
		if got := strings.Join(environment(c.inherited, c.user, c.extra), " "); got != c.want {
			t.Errorf("%s: the environment is\n%s, want\n%s", c.name, got, c.want)
		}
	}
}

// TestInherits requires that a program has the variables of this process.
func TestInherits(t *testing.T) {
	t.Setenv("APP_PORT", "8080")
	t.Setenv("NOTIFY_SOCKET", "/run/x")
	r, _ := run(t, t.Context(), Command{Argv: []string{"env"}, Env: []string{"RIPCORD_NAME=a b"}})
	lines := strings.Split(r.Output, "\n")
	for line, want := range map[string]bool{"APP_PORT=8080": true, "RIPCORD_NAME=a b": true, "NOTIFY_SOCKET=/run/x": false} {
		if slices.Contains(lines, line) != want {
			t.Errorf("%s in the environment: %v, want %v; it is\n%s", line, !want, want, r.Output)
		}
	}
}
