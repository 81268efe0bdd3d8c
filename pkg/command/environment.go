package command

import (
	"os"
	"slices"
	"strings"
)

// SearchPath is the path for programs that are configured by name, and the PATH of every program if
// the daemon has none.
const SearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// interpreter runs scripts that name no interpreter.
const interpreter = "/bin/sh"

// forDaemon are the variables that service managers and people set only for the daemon. A program
// with them would report itself ready, or feed the watchdog, in the daemon's place.
var forDaemon = []string{
	"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDNAMES", "GOMAXPROCS",
}

// Inheritable returns an environment without the variables that are only for the daemon.
func Inheritable(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(e string) bool { return slices.Contains(forDaemon, variable(e)) })
}

// variable returns the name in a string of the form "NAME=value".
func variable(e string) string {
	name, _, _ := strings.Cut(e, "=")
	return name
}

// Environment returns the whole environment of a program that runs as u (nil: as this process):
// that of this process without the variables that are only for the daemon, then the variables about
// u, and extra.
func Environment(u *User, extra []string) []string {
	return environment(os.Environ(), u, extra)
}

// environment is Environment with the environment of this process.
func environment(inherited []string, u *User, extra []string) []string {
	own := u == nil || int(u.UID) == os.Geteuid()
	if u == nil {
		u = ownUser()
	}
	env := Inheritable(inherited)
	set := func(e string, replace bool) {
		same := func(other string) bool { return variable(other) == variable(e) }
		if replace {
			env = slices.DeleteFunc(env, same)
		} else if slices.ContainsFunc(env, same) {
			return
		}
		env = append(env, e)
	}
	set("PATH="+SearchPath, false)
	for _, e := range []string{"HOME=" + u.Home, "USER=" + u.Name, "LOGNAME=" + u.Name, "SHELL=" + interpreter} {
		set(e, !own) // a HOME chosen for the daemon's own user is kept
	}
	for _, e := range extra {
		set(e, true)
	}
	return env
}
