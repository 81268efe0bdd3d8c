package daemon

import (
	"fmt"
	"strings"
	"testing"

	"ripcord/pkg/addr"
	"ripcord/pkg/command"
	"ripcord/pkg/config"
	"ripcord/pkg/notify"
	"ripcord/pkg/vrrp"
)

// TestNotifyUser requires that the script user exists only if a command runs as that user.
func TestNotifyUser(t *testing.T) {
	any := config.Notify{Any: config.Command{Argv: []string{"/usr/bin/not-here"}}}
	for name, tt := range map[string]struct {
		config config.Config
		err    string
	}{
		"nothing":     {config.Config{FIFO: "/run/ripcord/transitions", ScriptUser: "nobody-here"}, ""},
		"root":        {config.Config{NotifyAll: any, ScriptUser: "root"}, ""},
		"every":       {config.Config{NotifyAll: any, ScriptUser: "nobody-here"}, "x.yaml: notify and fence commands cannot run as script_user: there is no user nobody-here"},
		"a fence":     {config.Config{Groups: []vrrp.Group{{Fence: &vrrp.Fence{}}}, ScriptUser: "nobody-here"}, "x.yaml: notify and fence commands cannot run as script_user: there is no user nobody-here"},
		"an instance": {config.Config{Notify: map[config.Subject]config.Notify{{Name: "inside"}: any}, ScriptUser: "nobody-here"}, "x.yaml: notify and fence commands cannot run as script_user: there is no user nobody-here"},
		"the reader":  {config.Config{FIFO: "/f", FIFOReader: config.Command{Argv: any.Any.Argv, User: "nobody-here"}, ScriptUser: "root"}, "x.yaml: fifo_reader: there is no user nobody-here"},
		"a program":   {config.Config{Shutdown: &config.Program{Argv: any.Any.Argv, User: "nobody-here"}, ScriptUser: "root"}, "x.yaml: shutdown: there is no user nobody-here"},
	} {
		tt.config.File = "x.yaml"
		err := Accounts(&tt.config)
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.err)) {
			t.Errorf("%s: error %v, want %q", name, err, tt.err)
		}
	}
}

// TestAdviseNotify requires that a program that would not run is named once, however often it is
// used.
func TestAdviseNotify(t *testing.T) {
	bad := config.Notify{Active: config.Command{Argv: []string{"/usr/bin/not-here"}}, Any: config.Command{Argv: []string{"/bin/true"}}}
	got := adviseNotify(&config.Config{ScriptUser: "root", NotifyAll: bad, Notify: map[config.Subject]config.Notify{{Group: true, Name: "edge"}: bad}})
	if len(got) != 1 || got[0] != "a notify command will not run: /usr/bin/not-here does not exist" {
		t.Errorf("%q", got)
	}
}

// TestNotifySettings requires that the settings name all instances and groups, and, if they are used,
// the instances that have addresses.
func TestNotifySettings(t *testing.T) {
	inside, edge := notify.Subject{Kind: notify.Instance, Name: "inside"}, notify.Subject{Kind: notify.Group, Name: "edge"}
	c := config.Config{
		ScriptUser: "root", Groups: []vrrp.Group{{Name: "edge"}},
		Sets: []addr.Set{{Instance: "inside", Addresses: []addr.Address{{}}}, {Instance: "empty"}},
	}
	s, err := notifySettingsOf(&c)
	if err != nil || !s.Empty() || len(s.Subjects) != 3 || !s.Subjects[inside] || !s.Subjects[edge] || s.HasAddresses["inside"] {
		t.Errorf("without commands: %+v, %v", s, err)
	}
	any := config.Notify{Any: config.Command{Argv: []string{"/bin/true"}}}
	c.Notify = map[config.Subject]config.Notify{{Name: "inside"}: any, {Group: true, Name: "edge"}: any}
	s, err = notifySettingsOf(&c)
	if err != nil || s.Commands[inside].Any == nil || s.Commands[edge].Any == nil || !s.HasAddresses["inside"] || s.HasAddresses["empty"] {
		t.Errorf("with commands: %+v, %v", s, err)
	}
}

// TestCommandsFor: a command runs as its own user and group, as those of its section, or as
// script_user: never as the user of another command.
func TestCommandsFor(t *testing.T) {
	nobody, err := command.LookupUser("nobody", "nogroup")
	if err != nil {
		t.Fatal(err)
	}
	echo := []string{"/bin/echo"}
	section := config.Notify{
		Active: config.Command{Argv: echo, User: "root"}, Backup: config.Command{Argv: echo}, Stop: config.Command{Argv: echo, Group: "root"},
	}
	for name, tt := range map[string]struct {
		user, group string // of the section
		want        string // user and group of active, backup and stop
	}{
		"script_user":     {"", "", "root:0 nobody:65534 nobody:0"},
		"of the section":  {"daemon", "", "root:0 daemon:1 daemon:0"},
		"with its group":  {"daemon", "nogroup", "root:0 daemon:65534 daemon:0"},
		"only with group": {"", "root", "root:0 nobody:0 nobody:0"},
	} {
		section.User, section.Group = tt.user, tt.group
		got, err := commandsFor(section, nobody)
		if err != nil || got.Fault != nil {
			t.Fatalf("%s: %+v, %v", name, got, err)
		}
		as := func(c *notify.Command) string { return fmt.Sprintf("%s:%d", c.User.Name, c.User.GID) }
		if all := as(got.Active) + " " + as(got.Backup) + " " + as(got.Stop); all != tt.want {
			t.Errorf("%s: %s, want %s", name, all, tt.want)
		}
	}
	section.Stop.User = "nobody-here"
	if _, err := commandsFor(section, nobody); err == nil {
		t.Error("a command of a user who does not exist is run")
	}
}

// TestProgramsOfOtherUsers: the reader of the FIFO, and the programs that are run once, run as the
// users that they name.
func TestProgramsOfOtherUsers(t *testing.T) {
	echo := []string{"/bin/echo"}
	c := config.Config{
		ScriptUser: "root", FIFO: "/f", FIFOReader: config.Command{Argv: echo, User: "nobody", Group: "nogroup"},
		Startup: &config.Program{Argv: echo, User: "daemon"}, Shutdown: &config.Program{Argv: echo},
	}
	settings, err := notifySettingsOf(&c)
	if err != nil || settings.reader.Name != "nobody" || settings.reader.GID != 65534 {
		t.Fatalf("the reader runs as %+v, %v", settings.reader, err)
	}
	once, err := programRequests(&c, settings.user)
	users := map[command.Kind]string{}
	for _, r := range once {
		users[r.ID.Kind] = r.User.Name
	}
	if err != nil || users[command.ForStartup] != "daemon" || users[command.ForShutdown] != "root" {
		t.Errorf("run as %v, %v", users, err)
	}
}
