package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ripcord/test/golden"
	"ripcord/test/manpage"
)

// TestManualPage compares deploy/man/ripcord.8 with the commands and docs/commands.md; -update
// rewrites it.
func TestManualPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	root := newRoot()
	root.SetOut(io.Discard)
	strictCompletion(root)

	p := manpage.New("ripcord", 8, "a VRRP daemon that reacts the moment a cable is pulled", "go test ./cmd/ripcord -run TestManualPage -update")
	p.Section("Synopsis")
	p.Text("`ripcord` COMMAND [ARGUMENT...] [FLAG...]")
	p.Section("Description")
	p.Text(root.Long)
	p.Section("Commands")
	for _, c := range root.Commands() {
		if !c.Hidden && c.Name() != "help" {
			commandItem(p, c)
		}
	}
	p.Section("Exit status")
	p.Text(manpage.Table(page, "exit code"))
	p.Section("Signals")
	p.Text(manpage.Table(page, "signal"))
	p.Section("Reload")
	p.Text(manpage.Part(page, "## Reload"))
	p.Section("Environment")
	p.Item("`NO_COLOR`", "Nothing is printed in colour if it is set; else only on a terminal.")
	p.Item("`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `LISTEN_FDS`", "Given by systemd to `ripcord run`: readiness and reloads are notified, the watchdog is fed, and a control socket that was opened beforehand is used.")
	p.Section("Files")
	p.Item("/etc/ripcord/ripcord.yaml", "The configuration.")
	p.Item("/run/ripcord/ripcord.sock", "The control socket. What else stands in /run/ripcord is what a start after a crash has to find.")
	p.Section("See also")
	p.Text("`ripcord.yaml`(5), `ripcord-events`(7), RFC 9568; the manual in /usr/share/doc/ripcord.")
	golden.Check(t, "../../deploy/man/ripcord.8", p.String())
}

// commandItem writes one command: its usage, its description and its flags.
func commandItem(p *manpage.Page, c *cobra.Command) {
	if c.Name() == "completion" {
		p.Item("`ripcord completion` bash|zsh|fish|powershell", "Print the script that has a shell complete the commands.")
		return
	}
	about := c.Long
	if about == "" {
		about = c.Short + "."
	}
	p.Item("`"+strings.TrimSuffix(c.UseLine(), " [flags]")+"`", strings.ReplaceAll(about, "\n", " "), flags(c)...)
}

// flags are those of a command, each as a paragraph.
// flags returns the flags of a command, each as a paragraph.
func flags(c *cobra.Command) (all []string) {
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		text := "`--" + f.Name + "`"
		if kind != "" {
			text += " " + kind
		}
		text += ": " + usage + "."
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0s" {
			text += " Default: " + f.DefValue + "."
		}
		all = append(all, text)
	})
	return all
}

// TestCommandsPage requires that docs/commands.md names every command.
func TestCommandsPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range newRoot().Commands() {
		if !strings.Contains(string(text), "`ripcord "+c.Name()) {
			t.Errorf("docs/commands.md does not name ripcord %s", c.Name())
		}
	}
}
