package keepalived

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"ripcord/test/golden"
)

// TestMigrationPage keeps docs/migrating-from-keepalived.md as the tables of keywords have
// it; -update writes it anew.
func TestMigrationPage(t *testing.T) {
	var b strings.Builder
	b.WriteString(pageHead)
	rows(&b, "Outside of blocks", rootKeywords)
	rows(&b, "`global_defs`", globalKeywords)
	rows(&b, "`vrrp_instance`", instanceKeywords)
	rows(&b, "`authentication`", authKeywords)
	rows(&b, "`auth_hmac`", hmacKeywords)
	rows(&b, "`vrrp_sync_group`", groupKeywords)
	rows(&b, "`track_group`", trackGroupKeywords)
	rows(&b, "`garp_group`", garpGroupKeywords)
	rows(&b, "`vrrp_script`", scriptKeywords)
	rows(&b, "`vrrp_track_process`", processKeywords)
	rows(&b, "`track_file`", fileKeywords)
	golden.Check(t, "../../docs/migrating-from-keepalived.md", b.String())
}

const pageHead = `# Migrating from keepalived

<!-- Made from the tables in pkg/keepalived/keywords_*.go by go test ./pkg/keepalived -run TestMigrationPage -update. -->

ripcord runs a keepalived.conf as it is:

` + "```" + `
ripcord check /etc/keepalived/keepalived.conf
ripcord run --config /etc/keepalived/keepalived.conf
` + "```" + `

A path that ends in ` + "`.conf`" + ` is read in keepalived's language; ` + "`--format keepalived`" + ` says so of any other. SIGHUP and ` + "`ripcord reload`" + `
read the same file again. ` + "`--id NAME`" + ` is what lines with ` + "`@NAME`" + ` are for, as keepalived's ` + "`--config-id`" + `; the default is the name of the machine.

` + "`ripcord check`" + ` exits with 0 where ` + "`ripcord run`" + ` would start, and prints a line for each thing that is to be known:

| it begins with | what it says |
| --- | --- |
| ` + "`warning`" + ` | keepalived logs or ignores this, and ripcord does the same: the file runs as it did. Often it is a mistake, and a hint says what was meant |
| ` + "`differs`" + ` | runs, but in another way than under keepalived |
| ` + "`not done`" + ` | ripcord does not do this: mail, SNMP, D-Bus, BFD, load balancing |

It is an error where keepalived fails too and going on would be dangerous: no interface or VRID, an instance twice, a brace that is never
closed, a variable that nobody defined, or a router that its peers would not hear (` + "`auth_type AH`" + `, another multicast group, version 2
over IPv6). The lines about
everything else of the file stand before it; where its braces or variables are broken, the rest is not looked at.

**Before the first swap.** ` + "`ripcord simulate`" + ` plays the failovers of the files of both routers, without root and without a network: who serves which
address when, for how long nobody does, and what the two files contradict each other in ([simulate.md](simulate.md#keepalivedconf-and-both)).

` + "```" + `
ripcord simulate left=left/keepalived.conf right=right/keepalived.conf --at '5s unplug left eth0' --at '20s plug left eth0'
` + "```" + `

**One router after the other.** A router with ripcord and one with keepalived serve beside each other, from the same file: keepalived's defaults
(version 2, /32 where no length is said, priority 100, interval 1 s) are kept. Stop keepalived before ripcord starts on a machine.

**Load balancing.** ripcord does not do what ` + "`virtual_server`" + ` blocks say. ` + "`ripcord run`" + ` refuses such a file, since a router that answers for a
service and forwards nothing is an outage, unless ` + "`--without-lvs`" + ` says that another program does it: ` + "`keepalived --check`" + ` runs keepalived's
load balancing alone, from the same file, beside ripcord.

**What the kernel refuses.** An address, a route or a rule that the kernel refuses is logged, and the instance serves without it, at its own
priority, as long as it has an address; ` + "`ripcord status`" + ` shows the warning ` + "`not-placed`" + `. An instance that can place none of its addresses steps back
once, and then serves with priority 1 where nobody else does, which keepalived does not. In ripcord.yaml a refused address
[impairs](troubleshooting.md#what-cannot-be-put-in-place) the router.

**What keepalived refuses to start with** runs, with a line that says so, unless that is dangerous: an instance of version 3 or of strict mode without an address, one that has its interface from ` + "`default_interface`" + `, or
an interface that does not exist, without ` + "`dynamic_interfaces`" + `: ripcord waits for it.

**What keepalived loses** ripcord reads, with a line: a ` + "`vrrp_instance`" + `, ` + "`vrrp_sync_group`" + ` or ` + "`track_group`" + ` whose name has more than one word, the first
statement of a file behind a byte order mark, and what stands behind a block with an unknown keyword, of which keepalived takes the lines for those
of the block around it, and the ` + "`}`" + ` for its end.

**In ripcord's own language.** ` + "`ripcord convert FILE`" + ` prints a file as ripcord.yaml, which means the same: with what all instances share under
` + "`defaults`" + `, ripcord's own checks in place of ` + "`killall -0 NAME`" + ` and other simple commands, and a comment for each thing that differs. A
` + "`killall -0`" + ` that another user than root runs stays: it fails for processes that are not that user's. A file with load balancing needs
` + "`--without-lvs`" + ` here, too. The result is written for a machine that has the programs and users of the file: where this one lacks one, keepalived would leave the script out, and a comment says so.

**Exporters and scripts.** ` + "`ripcord status --format keepalived-json`" + `, or ` + "`GET /v1/keepalived`" + `, has what keepalived's JSON dump has. Commands of
notify and the FIFO get keepalived's words.

**How it is tested.** ` + "`make keepalived-diff`" + ` starts a keepalived (2.2.7; 2.4.3 by hand) and ripcord from more than 160 files, each on a LAN of its own, and compares
their adverts, what they hold, to whom they yield and which commands they run.

**As a service.** Both units have to read keepalived's file: the daemon and the one that runs its commands ([security.md](security.md#runner)).
` + "`systemctl edit ripcord`" + `:

` + "```" + `
[Unit]
ConditionPathExists=
[Service]
ExecStart=
ExecStart=/usr/sbin/ripcord run --config /etc/keepalived/keepalived.conf --runner /run/ripcord/runner.sock
` + "```" + `

` + "`systemctl edit ripcord-runner`" + `:

` + "```" + `
[Unit]
ConditionPathExists=
[Service]
ExecStart=
ExecStart=/usr/sbin/ripcord runner --config /etc/keepalived/keepalived.conf --socket /run/ripcord/runner.sock --user ripcord-daemon
` + "```" + `

The daemon runs as ` + "`ripcord-daemon`" + `, which has to be able to read the file and what that includes, and nobody but root may change them:

    chgrp -R ripcord-daemon /etc/keepalived && chmod -R u=rwX,g=rX,o= /etc/keepalived

Commands of checks and of notify are not confined: they run as the users that the file names.

## What differs without a word in the file

| in keepalived | in ripcord |
| --- | --- |
| a link that returns takes part at once | it first has to show that its segment forwards: ` + "`links.NAME.recovery`" + ` (a switch port may be blocked for 30 s) |
| a takeover within a sync group takes as long as its slowest member | the resignation of one member counts for all |
| members of a sync group have a priority each | the group has one, that of its first member |
| an address that another program removes costs a failover | it is put back |
| unicast adverts of anybody are believed | those of the peers only |
| unicast adverts over IPv6 have the kernel's hop limit, 64 as a rule, unless ` + "`unicast_ttl`" + ` says another | 255 |
| the loss of ` + "`unicast_src_ip`" + ` is not noticed | it is a fault |
| an IPv6 address is deprecated where its prefix length is 128, as without one, unless ` + "`preferred_lft`" + ` says otherwise | every IPv6 address of an instance is, whatever its prefix length, unless ` + "`" + `preferred_lft` + "`" + ` says otherwise: the router does not take it as the source of its own traffic |
| scripts have the environment of keepalived's unit, with its ` + "`EnvironmentFile`" + ` | that of the process that runs them, under systemd ` + "`ripcord-runner.service`" + `: put the ` + "`EnvironmentFile`" + ` there |
| a script that is tracked without a weight and fails at the start calls the command for FAULT of its own instance only | of every member of its sync group |
| the first BACKUP of an instance may be notified with another priority as ` + "`$4`" + `: results of checks count before or after it | with the priority at that moment |
| notify commands overlap and may arrive out of order | one after the other, in the order of the transitions |
| a notify command may run for as long as it likes (2.4.3) | for an hour, and when the next transition of its instance or group waits, for a minute: ` + "`timeout`" + ` of ` + "`notify`" + ` |
| what a notify command started in the background goes on when keepalived stops | it ends with ripcord, but for processes in a session of their own (` + "`setsid`" + `); under systemd those too: ` + "`systemd-run`" + ` starts what is to stay |
| a reload closes the sockets and starts all timers anew | what did not change is not touched |
| keepalived 2.4.3 runs no command of root's whose path leads over a link, as /bin on most systems, unless there is ` + "`use_symlink_paths`" + ` | it is run, as by older ones |
| keepalived 2.4.3 leaves some routes standing when it steps back and when it ends | they are removed |
| a script without a path is looked for in ` + "`PATH`" + ` whenever it runs | when the file is read |
`

// rows writes the table of one kind of block.
func rows[T any](b *strings.Builder, title string, keywords table[T]) {
	fmt.Fprintf(b, "\n## %s\n\n| keyword | | in ripcord |\n| --- | --- | --- |\n", title)
	for _, k := range keywords {
		fate := [...]string{"", "nothing to do", "differs", "not done"}[k.fate]
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", k.name, fate, strings.ReplaceAll(k.becomes, "|", "\\|"))
	}
}

// TestTables sees that every keyword says what becomes of it, and stands once in its table.
func TestTables(t *testing.T) {
	total := 0
	for _, b := range blocks() {
		seen := map[string]bool{}
		for _, name := range b.keywords {
			if total++; seen[name] {
				t.Errorf("%s stands twice in %q", name, b.name)
			}
			seen[name] = true
		}
	}
	if total < 230 {
		t.Errorf("found %d keywords only", total)
	}
	complete(t, rootKeywords)
	complete(t, globalKeywords)
	complete(t, instanceKeywords)
	complete(t, groupKeywords)
	complete(t, trackGroupKeywords)
	complete(t, garpGroupKeywords)
	complete(t, authKeywords)
	complete(t, hmacKeywords)
	complete(t, scriptKeywords)
	complete(t, processKeywords)
	complete(t, fileKeywords)
}

// TestKnowsAllKeywords sees that no keyword of keepalived's is taken for a misspelt one.
func TestKnowsAllKeywords(t *testing.T) {
	text, err := os.ReadFile("testdata/keywords-2.4.3.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	for _, b := range blocks() {
		known[b.name] = b.keywords
	}
	total := 0
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		block, keyword := "", words[len(words)-1]
		if len(words) == 2 {
			block = words[0]
		}
		if block == "vrrp_track_file" { // which has the table of its other name
			block = "track_file"
		}
		if total++; !slices.Contains(known[block], keyword) {
			t.Errorf("%s of %q is in no table", keyword, block)
		}
	}
	if total < 280 {
		t.Errorf("the list has %d keywords only", total)
	}
}

func complete[T any](t *testing.T, keywords table[T]) {
	for _, k := range keywords {
		if k.becomes == "" || k.fate == Translated && k.read == nil || k.fate == Missing && k.topic == "" {
			t.Errorf("%s: %+q %q", k.name, k.becomes, k.topic)
		}
	}
}
