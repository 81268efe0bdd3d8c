package event

// Definition describes one event of the log: its fields beside ts, level, event and msg, which
// every line has, trace and elapsed_us, which each line has that followed from a fact, and the
// count of an event that is limited. The log and the API write exactly
// these fields; docs/events.md is made of them.
type Definition struct {
	Name   string
	Limit  int // of lines in ten seconds for one subject; 0: none
	Levels []Level
	Fields []string // that each such event has, in the words of Fields below
	May    []string // that some of them have, and not all
	About  string   // what happened
}

// Fields common to several events.
var (
	ofLink     = []string{"interface", "ifindex", "source", "admin_up", "carrier", "operstate", "carrier_up_count", "carrier_down_count"}
	ofVirtual  = []string{"instance", "interface", "vrid", "family"}
	ofAddress  = []string{"instance", "addresses", "took_us"}
	ofRoute    = []string{"instance", "routes", "took_us"}
	ofDevice   = []string{"instance", "device", "interface", "mac"}
	ofDaemon   = []string{"version", "pid", "instances"}
	onlyInfo   = []Level{Info}
	onlyWarn   = []Level{Warn}
	onlyError  = []Level{Error}
	warnOrInfo = []Level{Info, Warn}

	// What an earlier run left behind is of no instance.
	leftAddress = []string{"addresses", "took_us"}
	leftRoute   = []string{"routes", "took_us"}
)

func plus(fields []string, more ...string) []string {
	return append(append([]string{}, fields...), more...)
}

// Schema is the closed list of the events of the log, by subject.
var Schema = []Definition{
	{"daemon.ready", once, onlyInfo, ofDaemon, nil, "The daemon runs: links are known and adverts are heard."},
	{"daemon.stopping", once, onlyInfo, ofDaemon, nil, "The daemon was told to stop: it resigns everywhere."},
	{"daemon.handover", once, onlyInfo, ofDaemon, nil, "The daemon was told to hand over: it stops, and resigns and removes nothing."},
	{"daemon.stopped", once, []Level{Info, Error}, ofDaemon, []string{"error"}, "The daemon has ended. `error` says what failed, or what is left behind."},
	{"daemon.status", once, onlyInfo, []string{"status"}, nil, "The status document, on SIGUSR1."},
	{"daemon.memory", once, onlyInfo, []string{"locked"}, []string{"error"}, "Whether the daemon's memory is locked (mlockall), which needs `LimitMEMLOCK=infinity` or CAP_IPC_LOCK."},
	{"daemon.hung", others, []Level{Info, Error}, []string{"part", "gap_us", "over"}, nil, "A part of the daemon makes no progress, or does again: the watchdog of systemd is not fed meanwhile."},
	{"daemon.lock", once, []Level{Warn, Error}, []string{"error"}, nil, "The lock that keeps a second ripcord out of the network namespace could not be had."},
	{"daemon.rights", once, warnOrInfo, []string{"user", "capabilities"}, []string{"error"}, "Which rights the daemon has kept: it can start no program, see [security.md](security.md)."},
	{"daemon.releases", once, onlyError, []string{"error"}, nil, "What was released by hand before the daemon started cannot be read: all groups take part."},
	{"daemon.record", once, warnOrInfo, []string{"error", "kept"}, nil, "What the daemon before recorded cannot be used; or nothing can be recorded for the next one (`kept` is false), so that a crash costs a takeover."},
	{"daemon.crashes", once, onlyError, []string{"count"}, nil, "The daemon was started so often in 10 s that this one waits a second before it takes part."},

	{"config.loaded", once, onlyInfo, []string{"file", "added", "changed", "removed", "groups"}, nil, "The file that is in force."},
	{"config.reloaded", once, warnOrInfo, []string{"file", "added", "changed", "removed"}, []string{"values", "notes"}, "Another configuration is in force, by a reload. `added`, `changed` and `removed` have the names of instances and groups, `values` what became of which numbers."},
	{"config.rejected", once, onlyError, []string{"file", "errors"}, nil, "A file was not taken, or in part only; if not at all, what was in force stays in force."},

	{"control.failed", others, onlyError, []string{"listen", "error"}, nil, "The port of `control.listen` cannot be opened; it is tried again each second."},
	{"control.listening", others, onlyInfo, []string{"listen"}, nil, "The port of `control.listen` is open after it could not be."},

	{"link.up", story, onlyInfo, ofLink, []string{"sources", "hint_us"}, "A link became usable; `sources` has what each source reports."},
	{"link.down", story, onlyWarn, ofLink, []string{"sources", "reason", "hint_us"}, "A link is not usable any more."},
	{"link.flapped", story, onlyWarn, ofLink, []string{"sources", "hint_us"}, "A link was lost and was back before that was read."},
	{"link.added", story, onlyInfo, ofLink, nil, "A link has appeared."},
	{"link.removed", story, onlyWarn, ofLink, nil, "A link has gone."},
	{"link.renamed", story, onlyInfo, plus(ofLink, "was"), nil, "A link has another name."},
	{"link.reason", story, onlyInfo, plus(ofLink, "reason"), nil, "Why a lost link has no carrier, where its driver says. It follows `link.down`, with its trace."},
	{"link.resync", others, []Level{Debug, Warn}, []string{"reason", "links", "differences"}, nil, "The table of links was compared with a dump: after lost messages (`overrun`) or periodically (`audit`)."},
	{"link.monitor", story, warnOrInfo, []string{"interface", "monitor", "why"}, nil, "What watches a link, and why."},
	{"advert.filter", once, onlyInfo, []string{"way"}, []string{"why"}, "Whether the kernel counts the adverts that repeat the last one of their Active, by eBPF filters: see [protocol.md](protocol.md#filter)."},
	{"link.hints", once, onlyInfo, []string{"way"}, []string{"why"}, "Whether the kernel reports changes of its carrier flags at once, by eBPF programs: see [links.md](links.md#hints)."},
	{"link.stretched", story, warnOrInfo, []string{"interface", "period_us", "why"}, nil, "A link is asked less often because asking costs too much, or no longer so."},

	{"instance.transition", story, warnOrInfo, plus(ofVirtual, "from", "to", "reason", "priority"), []string{"group"}, "A virtual router changed its state. The member that caused its group's transition bears the reason, the others `group`."},
	{"group.transition", story, warnOrInfo, []string{"group", "from", "to", "reason"}, []string{"cause"}, "A group changed its state; `cause` is the member or the tracker that did it."},
	{"instance.holding", story, []Level{Info, Error}, plus(ofVirtual, "reason"), []string{"until", "group"}, "A virtual router could move and waits, at most until `until`."},
	{"instance.fault", others, []Level{Info, Error}, plus(ofVirtual, "reason", "over"), []string{"error", "group"}, "A condition keeps a virtual router from serving, or is over."},
	{"instance.priority", story, onlyInfo, []string{"from", "to", "tracker"}, []string{"instance", "interface", "vrid", "family", "group"}, "A tracker changed the priority in force of a group, or of an instance outside any group."},
	{"instance.impaired", others, []Level{Info, Error}, plus(ofVirtual, "missing", "priority"), []string{"group"}, "What a virtual router lacks of what it should hold, and the priority it has now; empty: nothing any more, or it tries again."},
	{"instance.warning", once, []Level{Info, Error}, []string{"instance", "reason", "over"}, []string{"subject"}, "Something that is no fault keeps an instance from working as configured, or is over."},
	{"group.adopted", story, warnOrInfo, []string{"group", "gap_ms", "handover"}, nil, "A group goes on as Active where a daemon that died, or handed over, has left off: that is no transition. See [upgrades.md](upgrades.md)."},
	{"group.unadopted", story, onlyWarn, []string{"group", "why", "handover"}, nil, "A group was Active when the daemon before died or handed over, and starts anew."},
	{"group.cascade", story, warnOrInfo, []string{"group", "source", "state", "why"}, nil, "Whether a resignation of a peer on one segment moves the whole group."},

	{"check.changed", story, warnOrInfo, []string{"name", "result", "took_us"}, []string{"change", "output", "error"}, "A check is up or down, or adds something else to the priority."},

	{"notify.ran", story, []Level{Info, Warn, Error}, []string{"name", "state", "command", "result", "took_us"}, []string{"output", "error", "merged"}, "A notify command has ended: see [notify.md](notify.md)."},
	{"notify.refused", once, onlyWarn, []string{"command", "error"}, nil, "At the start: a notify command does not exist or must not be run."},
	{"notify.unfinished", once, onlyError, []string{"error"}, nil, "Notify commands had not ended 5 s after the daemon had left everything, and were killed."},
	{"notify.fifo", others, warnOrInfo, []string{"file", "lost", "over"}, []string{"error"}, "The FIFO for transitions cannot be written, most likely since nobody reads it, or can be again."},
	{"notify.reader", others, onlyWarn, []string{"command", "took_us", "error"}, nil, "The program that reads the FIFO (`fifo_reader`) has ended, or does not start; it is started again, later each time."},
	{"program.ran", once, []Level{Info, Error}, []string{"name", "command", "result", "took_us"}, []string{"output", "error"}, "The program of `startup` or `shutdown` has ended, or did not start."},

	{"runner.ready", others, []Level{Info, Error}, []string{"pid"}, []string{"error"}, "The process that runs checks, notify and fence commands (`ripcord runner`) is ready; with `error` it runs none."},
	{"runner.unkept", others, onlyError, []string{"pid"}, nil, "The process that would start `ripcord runner` again has ended: restart ripcord. Until then commands run as long as that one does. See [security.md](security.md#runner)."},
	{"runner.lost", others, onlyError, []string{"error", "under_way", "retry_us"}, nil, "That process is not there: checks keep their states, no command runs, and it is tried again. See [security.md](security.md#runner)."},

	{"fence.ran", story, []Level{Info, Error}, []string{"name", "command", "active", "result", "took_us"}, []string{"output", "error"}, "A fence command has ended."},
	{"fence.unproven", others, onlyError, plus(ofVirtual, "interfaces", "done"), []string{"group"}, "The Active fell silent, and no station answers on some links: the fence is not run, since this router may be the one that is cut off."},

	{"probe.dead", story, onlyWarn, plus(ofVirtual, "active_address", "answers", "asked", "unanswered", "silent_us"), []string{"group"}, "The machine of the Active answers no more: the group moves without waiting for missing adverts. See [probe.md](probe.md)."},
	{"probe.suspended", others, onlyError, plus(ofVirtual, "active_address", "until", "why"), []string{"group"}, "The Active was taken for dead and was not: the probe is off for it for an hour."},
	{"probe.failed", others, onlyError, []string{"error"}, nil, "Answers cannot be heard, so that no machine is watched; it is tried again each 10 s."},

	{"advert.sent", story, onlyInfo, []string{"instance", "kind", "took_us"}, nil, "A first advert, a resignation or a probe left."},
	{"advert.failed", once, []Level{Warn, Error}, []string{"instance", "error", "count"}, nil, "The kernel refused adverts."},
	{"advert.rejected", once, []Level{Warn, Error}, []string{"interface", "vrid", "source", "reason", "count"}, []string{"instance"}, "Adverts were discarded: see [protocol.md](protocol.md)."},
	{"advert.mismatch", others, onlyWarn, []string{"instance", "source", "what", "theirs", "ours"}, nil, "A peer is configured differently; its adverts are believed."},
	{"advert.rival", others, []Level{Warn, Error}, plus(ofVirtual, "source", "priority"), []string{"unheard", "version", "skewed", "invalid", "group"}, "A second Active was heard."},
	{"auth.skew", others, []Level{Warn, Error}, []string{"instance", "source", "skew_ms", "rejected"}, nil, "The clock of a router that signs is far from ours."},

	{"address.added", story, onlyInfo, ofAddress, nil, "Addresses were put in place."},
	{"address.removed", story, onlyInfo, leftAddress, []string{"instance"}, "Addresses were removed; without `instance` an earlier run had left them behind."},
	{"address.restored", once, onlyWarn, ofAddress, []string{"count"}, "Somebody removed addresses; they were put back."},
	{"address.marked", once, onlyWarn, ofAddress, []string{"count"}, "Somebody rewrote addresses without our mark; they are marked again."},
	{"address.conflict", once, onlyError, []string{"instance", "address", "mac", "interface"}, nil, "Another station answers for an address while this router is Active, or the address stands on this machine while it is not."},
	{"address.foreign", others, onlyWarn, ofAddress, nil, "Addresses stand that ripcord did not add: they are used, and never removed."},
	{"address.failed", others, onlyError, plus(leftAddress, "error"), []string{"instance"}, "Addresses could not be added or removed."},

	{"route.added", story, onlyInfo, ofRoute, nil, "Routes or rules were put in place."},
	{"route.removed", story, onlyInfo, leftRoute, []string{"instance"}, "Routes or rules were removed; without `instance` an earlier run had left them behind."},
	{"route.restored", others, onlyWarn, ofRoute, nil, "Somebody removed routes or rules; they were put back."},
	{"route.replaced", others, onlyWarn, ofRoute, nil, "Somebody put another route in the place of ours."},
	{"route.foreign", others, onlyWarn, ofRoute, nil, "Routes or rules stand that ripcord did not add: they are used, and never removed."},
	{"route.failed", others, onlyError, plus(leftRoute, "error"), []string{"instance"}, "Routes or rules could not be added or removed."},

	{"device.added", story, onlyInfo, ofDevice, nil, "The macvlan of a virtual MAC was made."},
	{"device.adopted", story, onlyWarn, ofDevice, nil, "The macvlan of an earlier run was taken over."},
	{"device.replaced", others, onlyWarn, ofDevice, nil, "A macvlan that keepalived left behind was replaced."},
	{"device.mended", others, onlyInfo, plus(ofDevice, "what"), nil, "A macvlan was put right after others had changed it."},
	{"device.removed", story, warnOrInfo, []string{"device", "mac"}, []string{"interface", "instance"}, "A macvlan was removed."},
	{"device.failed", others, onlyError, []string{"device", "mac", "error"}, []string{"interface", "instance"}, "A macvlan could not be made, set up or removed."},

	{"engine.stalled", story, onlyWarn, []string{"instance", "gap_us", "done"}, nil, "The daemon did not run for a while, and what was done about it."},
	{"engine.lease", story, onlyError, []string{"instance", "gap_us", "done"}, nil, "The loop hung; the engine resigned without it."},
	{"engine.thread", once, onlyInfo, []string{"scheduling"}, []string{"error"}, "Whether adverts are sent in real time (SCHED_FIFO). It needs CAP_SYS_NICE or `LimitRTPRIO=1`, which under systemd `ripcord-runner.service` has."},
}

// FieldMeanings says what each field of the log means, and its unit.
var FieldMeanings = map[string]string{
	"added": "instances added: their number at the start, their names at a reload", "changed": "those that changed", "removed": "those that are gone",
	"name": "name of the check, or of the instance or group", "result": "of a check: `up` or `down`; of a command: `done`, `failed`, `killed` (its timeout was over) or `unrun`", "command": "the program", "merged": "how many transitions were left out before it", "lost": "lines lost since the start", "change": "what is added to the priority", "output": "what it printed, up to 4 KiB", "notes": "what takes a restart", "values": "of what is changed, its name with new and old values",
	"active": "the address of the Active that fell silent", "active_address": "the address of the Active",
	"answers": "how many of the last questions were answered", "asked": "how many those were", "unanswered": "how many questions in a row were not answered", "silent_us": "for how long, in µs", "interfaces": "names of links",
	"address": "the address", "addresses": "list of addresses with the length of their networks", "admin_up": "whether the link is set up (IFF_UP)",
	"capabilities": "what it may do, in the words of capabilities(7)", "user": "the account", "under_way": "how many commands ran", "retry_us": "how long until it is tried again, in µs",
	"carrier": "whether the link has a carrier (IFF_LOWER_UP)", "carrier_down_count": "how often the kernel counted a loss of the carrier",
	"carrier_up_count": "how often the kernel counted a return of the carrier", "cause": "the member that caused the transition",
	"count": "how often since the last such line", "device": "the name of the macvlan", "differences": "how many links differed",
	"done": "what was done about it", "error": "what failed, and what to do", "errors": "list of problems, each with line and column",
	"family": "`ipv4` or `ipv6`", "file": "path of the configuration, or of the FIFO", "from": "the state before", "gap_us": "how long, in µs", "group": "name of the group",
	"groups": "number of groups", "hint_us": "how long before the event the kernel last reported a change of the link's carrier flag by eBPF, in µs", "ifindex": "the kernel's number of the link", "instance": "name of the instance",
	"gap_ms": "since the last advert of the daemon before, in ms", "handover": "whether the daemon before handed over; else it died", "kept": "whether a record is kept from now on",
	"instances": "number of instances", "interface": "name of the link", "kind": "`first`, `resign` or `probe`", "links": "how many links there are",
	"listen": "the TCP address", "locked": "whether memory is locked", "mac": "the virtual MAC, or that of the station that answers", "missing": "list of what is not in place, each with its reason",
	"monitor": "`netlink`, `ethtool`, `mii` or `none`", "operstate": "RFC 2863's ifOperStatus", "ours": "our value", "over": "whether it is over",
	"part": "the part of the daemon", "period_us": "the period now, in µs", "pid": "process id", "priority": "the priority", "reason": "why; see the event",
	"rejected": "whether the advert was rejected for it", "routes": "list of routes and rules in the words of `ip`", "scheduling": "`real-time`, `nice` or `ordinary`",
	"skew_ms": "their clock less ours, in ms", "skewed": "their adverts were signed by another clock", "invalid": "their adverts have no addresses, or the interval 0", "source": "the sender's address, or what reported the link's state",
	"sources": "what each source last reported of the link, and when", "state": "`on` or `off`; of a command the state that was entered: `MASTER`, `BACKUP`, `FAULT` or `STOP`", "status": "the document of `ripcord status --json`",
	"subject": "what the warning is about", "theirs": "the other router's value", "to": "the state after", "took_us": "from the order to its end, in µs",
	"unheard": "our adverts do not seem to reach it", "tracker": "the tracked link or check that changed", "until": "the latest end of the wait", "version": "ripcord's version, or VRRP's version of a rival",
	"vrid": "the virtual router's number", "was": "the name before", "what": "what differs", "why": "why", "way": "how the eBPF programs are attached: `fentry` or `kprobe`, filters of sockets as `ebpf`; `none` if they are not",
}

// Lookup returns the definition of an event.
func Lookup(name string) (Definition, bool) {
	for _, d := range Schema {
		if d.Name == name {
			return d, true
		}
	}
	return Definition{}, false
}
