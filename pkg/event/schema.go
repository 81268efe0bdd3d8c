package event

// Definition describes one event of the log: its fields beside ts, level, event and msg, which
// every line has, trace and elapsed_us, which each line with a cause has, and the count of an
// event that is limited. The log and the API write exactly these fields; docs/events.md is
// generated from these definitions.
type Definition struct {
	Name   string
	Limit  int // lines in ten seconds for one subject; 0 if there is no limit
	Levels []Level
	Fields []string // the fields of each such event, explained in FieldMeanings
	May    []string // the fields that only some of them have
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

	// Objects that an earlier run left behind belong to no instance.
	leftAddress = []string{"addresses", "took_us"}
	leftRoute   = []string{"routes", "took_us"}
)

func plus(fields []string, more ...string) []string {
	return append(append([]string{}, fields...), more...)
}

// Schema is the closed list of the events of the log, by subject.
var Schema = []Definition{
	{"daemon.ready", once, onlyInfo, ofDaemon, nil, "The daemon is ready: it knows the links and receives adverts."},
	{"daemon.stopping", once, onlyInfo, ofDaemon, nil, "The daemon received a request to stop. It resigns everywhere."},
	{"daemon.handover", once, onlyInfo, ofDaemon, nil, "The daemon received a request to hand over. It stops without resigning and removes nothing."},
	{"daemon.stopped", once, []Level{Info, Error}, ofDaemon, []string{"error"}, "The daemon has stopped. `error` has the part that failed, or the items that are left."},
	{"daemon.status", once, onlyInfo, []string{"status"}, nil, "The status document, on SIGUSR1."},
	{"daemon.memory", once, onlyInfo, []string{"locked"}, []string{"error"}, "Reports whether the daemon's memory is locked (mlockall), which needs `LimitMEMLOCK=infinity` or CAP_IPC_LOCK, and whether its whole program was read into memory."},
	{"daemon.hung", others, []Level{Info, Error}, []string{"part", "gap_us", "over"}, nil, "A part of the daemon makes no progress, or makes progress again (`over`). Until then systemd's watchdog is not fed."},
	{"daemon.lock", once, []Level{Warn, Error}, []string{"error"}, nil, "ripcord could not get the lock that prevents a second ripcord in the network namespace."},
	{"daemon.rights", once, warnOrInfo, []string{"user", "capabilities"}, []string{"error"}, "The capabilities that the daemon kept. It cannot start programs: see [security.md](security.md)."},
	{"daemon.releases", once, onlyError, []string{"error"}, nil, "The list of released groups cannot be read at the start. All groups take part."},
	{"daemon.record", once, warnOrInfo, []string{"kept"}, []string{"error"}, "The record of the previous daemon cannot be used; or no record can be written for the next one (`kept` is false), so that a crash costs a takeover; or it can be written again (no `error`)."},
	{"daemon.crashes", once, onlyError, []string{"count"}, nil, "The daemon was started so often in 10 s that this one waits a second before it takes part."},

	{"config.loaded", once, onlyInfo, []string{"file", "added", "changed", "removed", "groups"}, nil, "The configuration was loaded."},
	{"config.reloaded", once, warnOrInfo, []string{"file", "added", "changed", "removed"}, []string{"values", "notes"}, "A reload changed the configuration. `added`, `changed` and `removed` have the names of instances and groups, `values` the keys that changed in them."},
	{"config.rejected", once, onlyError, []string{"file", "errors"}, nil, "A reload failed. The old configuration stays in force, unless the message says that the new one was applied in part; then another reload applies all of it."},

	{"control.failed", others, onlyError, []string{"listen", "error"}, nil, "The port of `control.listen` cannot be opened. ripcord tries again each second."},
	{"control.listening", others, onlyInfo, []string{"listen"}, nil, "The port of `control.listen` is open now, after it could not be opened."},

	{"link.up", story, onlyInfo, ofLink, []string{"sources", "hint_us"}, "A link became usable. `sources` has the report of each source."},
	{"link.down", story, onlyWarn, ofLink, []string{"sources", "reason", "hint_us"}, "A link is no longer usable."},
	{"link.flapped", story, onlyWarn, ofLink, []string{"sources", "hint_us"}, "A link was lost and returned before ripcord read the loss."},
	{"link.added", story, onlyInfo, ofLink, nil, "A link was added."},
	{"link.removed", story, onlyWarn, ofLink, nil, "A link was removed."},
	{"link.renamed", story, onlyInfo, plus(ofLink, "was"), nil, "A link was renamed."},
	{"link.reason", story, onlyInfo, plus(ofLink, "reason"), nil, "The reason why a link has no carrier, if its driver reports one. It follows `link.down`, with the same trace."},
	{"link.resync", others, []Level{Debug, Warn}, []string{"reason", "links", "differences"}, nil, "ripcord compared its table of links with a dump of the kernel: after lost messages (`overrun`) or periodically (`audit`)."},
	{"link.monitor", story, warnOrInfo, []string{"interface", "monitor", "why"}, nil, "The monitor of a link, and why it was chosen."},
	{"advert.filter", once, onlyInfo, []string{"attachment"}, []string{"why"}, "Reports whether eBPF filters count repeated adverts in the kernel: see [protocol.md](protocol.md#filter)."},
	{"link.hints", once, onlyInfo, []string{"attachment"}, []string{"why"}, "Reports whether eBPF programs report carrier changes at once: see [links.md](links.md#hints)."},
	{"link.stretched", story, warnOrInfo, []string{"interface", "period_us", "why"}, nil, "ripcord asks a link less often, since asking costs too much; or at the configured rate again."},

	{"instance.transition", story, warnOrInfo, plus(ofVirtual, "from", "to", "reason", "priority"), []string{"group"}, "An instance changed its state. The member that caused the transition of its group has the reason, the other members have `group`."},
	{"group.transition", story, warnOrInfo, []string{"group", "from", "to", "reason"}, []string{"cause"}, "A group changed its state. `cause` is the member or the tracker that caused it."},
	{"instance.holding", story, []Level{Info, Error}, plus(ofVirtual, "reason"), []string{"until", "group"}, "An instance delays a change of its state, at most until `until`. `reason` is the cause of the delay."},
	{"instance.fault", others, []Level{Info, Error}, plus(ofVirtual, "reason", "over"), []string{"error", "group"}, "A condition prevents an instance from serving, or has ended (`over`)."},
	{"instance.priority", story, onlyInfo, []string{"from", "to", "tracker"}, []string{"instance", "interface", "vrid", "family", "group"}, "A tracker changed the effective priority of a group, or of an instance outside any group."},
	{"instance.impaired", others, []Level{Info, Error}, plus(ofVirtual, "missing", "priority"), []string{"group"}, "The items that an instance lacks (`missing`), and its current priority. An empty list: nothing is missing any more, or ripcord tries again."},
	{"instance.warning", once, []Level{Info, Error}, []string{"instance", "reason", "over"}, []string{"subject"}, "An instance does not work as configured, but this is not a fault; or the problem has ended (`over`)."},
	{"group.adopted", story, warnOrInfo, []string{"group", "gap_ms", "handover"}, nil, "A group continues as Active after the previous daemon died or handed over. This is no transition. See [upgrades.md](upgrades.md)."},
	{"group.unadopted", story, onlyWarn, []string{"group", "why", "handover"}, nil, "A group was Active when the previous daemon died or handed over, but cannot continue and starts from scratch."},
	{"group.cascade", story, warnOrInfo, []string{"group", "source", "state", "why"}, nil, "Reports whether a peer's resignation on one segment moves the whole group."},

	{"check.changed", story, warnOrInfo, []string{"name", "result", "took_us"}, []string{"change", "output", "error"}, "A check went up or down, or changes the priority by another value."},

	{"notify.ran", story, []Level{Info, Warn, Error}, []string{"name", "state", "command", "result", "took_us"}, []string{"output", "error", "merged"}, "A notify command ended: see [notify.md](notify.md)."},
	{"notify.refused", once, onlyWarn, []string{"command", "error"}, nil, "At the start: a notify command does not exist, or is not safe to run."},
	{"notify.unfinished", once, onlyError, []string{"error"}, nil, "Notify commands were still running 5 s after the daemon had stopped serving. They were killed."},
	{"notify.fifo", others, warnOrInfo, []string{"file", "lost", "over"}, []string{"error"}, "The FIFO cannot be written, usually because no program reads it; or it can be written again (`over`)."},
	{"notify.reader", others, onlyWarn, []string{"command", "took_us", "error"}, nil, "The program that reads the FIFO (`fifo_reader`) ended or does not start. ripcord starts it again, with growing delays."},
	{"program.ran", once, []Level{Info, Error}, []string{"name", "command", "result", "took_us"}, []string{"output", "error"}, "The `startup` or `shutdown` program ended or did not start."},

	{"runner.ready", others, []Level{Info, Error}, []string{"pid"}, []string{"error"}, "The process that runs check, notify and fence commands (`ripcord runner`) is ready. With `error`, it runs no commands."},
	{"runner.unkept", others, onlyError, []string{"pid"}, nil, "The process that restarts `ripcord runner` has ended. Restart ripcord. Until then, commands run as long as the runner does. See [security.md](security.md#runner)."},
	{"runner.lost", others, onlyError, []string{"error", "under_way", "retry_us"}, nil, "`ripcord runner` is missing. Checks keep their states, no command runs, and ripcord tries to reach it again. See [security.md](security.md#runner)."},

	{"fence.ran", story, []Level{Info, Error}, []string{"name", "command", "active", "result", "took_us"}, []string{"output", "error"}, "A fence command ended."},
	{"fence.unproven", others, onlyError, plus(ofVirtual, "interfaces", "done"), []string{"group"}, "The Active fell silent, and no station answers on some links. ripcord does not run the fence, since this router may be the isolated one."},
	{"fence.recalled", others, warnOrInfo, plus(ofVirtual, "active", "age_ms", "counts"), []string{"group"}, "The previous daemon had heard an Active that had not resigned when that daemon ended. If it counts as heard and stays silent, it is fenced before a takeover: see [fencing.md](fencing.md#restart)."},

	{"probe.dead", story, onlyWarn, plus(ofVirtual, "active_address", "answers", "asked", "unanswered", "silent_us"), []string{"group"}, "The machine of the Active no longer answers. The group moves without waiting for missing adverts. See [probe.md](probe.md)."},
	{"probe.suspended", others, onlyError, plus(ofVirtual, "active_address", "until", "why"), []string{"group"}, "The probe declared an Active dead that was alive. ripcord does not probe it for an hour."},
	{"probe.failed", others, onlyError, []string{"error"}, nil, "ripcord cannot receive answers to probes, so it probes no machine. It tries again every 10 s."},

	{"advert.sent", story, onlyInfo, []string{"instance", "kind", "took_us"}, nil, "A first advert, a resignation or a probe was sent."},
	{"advert.failed", once, []Level{Warn, Error}, []string{"instance", "error", "count"}, nil, "The kernel refused adverts."},
	{"advert.rejected", once, []Level{Warn, Error}, []string{"interface", "vrid", "source", "reason", "count"}, []string{"instance"}, "Adverts were rejected: see [protocol.md](protocol.md)."},
	{"advert.mismatch", others, onlyWarn, []string{"instance", "source", "what", "theirs", "ours"}, nil, "A peer has a different configuration. Its adverts are accepted."},
	{"advert.rival", others, []Level{Warn, Error}, plus(ofVirtual, "source", "priority"), []string{"unheard", "version", "skewed", "invalid", "group"}, "This Active heard another Active."},
	{"auth.skew", others, []Level{Warn, Error}, []string{"instance", "source", "skew_ms", "rejected"}, nil, "The clock of a router that signs adverts differs much from ours."},

	{"address.added", story, onlyInfo, ofAddress, nil, "Addresses were added."},
	{"address.removed", story, onlyInfo, leftAddress, []string{"instance"}, "Addresses were removed. Without `instance`, an earlier run had left them."},
	{"address.restored", once, onlyWarn, ofAddress, []string{"count"}, "Another program removed addresses; ripcord added them again."},
	{"address.marked", once, onlyWarn, ofAddress, []string{"count"}, "Another program rewrote addresses without ripcord's mark; ripcord marked them again."},
	{"address.conflict", once, onlyError, []string{"instance", "address", "mac", "interface"}, nil, "Another station answers for an address while this router is Active, or the address is on this machine while the router is not Active."},
	{"address.foreign", others, onlyWarn, ofAddress, nil, "Addresses are already there that ripcord did not add. It uses them and never removes them."},
	{"address.failed", others, onlyError, plus(leftAddress, "error"), []string{"instance"}, "Addresses could not be added or removed."},

	{"route.added", story, onlyInfo, ofRoute, nil, "Routes or rules were added."},
	{"route.removed", story, onlyInfo, leftRoute, []string{"instance"}, "Routes or rules were removed. Without `instance`, an earlier run had left them."},
	{"route.restored", others, onlyWarn, ofRoute, nil, "Another program removed routes or rules; ripcord added them again."},
	{"route.replaced", others, onlyWarn, ofRoute, nil, "Another program replaced a route of ripcord."},
	{"route.foreign", others, onlyWarn, ofRoute, nil, "Routes or rules are already there that ripcord did not add. It uses them and never removes them."},
	{"route.failed", others, onlyError, plus(leftRoute, "error"), []string{"instance"}, "Routes or rules could not be added or removed."},

	{"device.added", story, onlyInfo, ofDevice, nil, "The macvlan of a virtual MAC was created."},
	{"device.adopted", story, onlyInfo, ofDevice, nil, "ripcord uses the macvlan of an earlier run."},
	{"device.replaced", others, onlyWarn, ofDevice, nil, "ripcord replaced a macvlan that keepalived had left."},
	{"device.mended", others, onlyInfo, plus(ofDevice, "what"), nil, "ripcord corrected a macvlan that another program had changed."},
	{"device.removed", story, warnOrInfo, []string{"device", "mac"}, []string{"interface", "instance"}, "A macvlan was removed."},
	{"device.failed", others, onlyError, []string{"device", "mac", "error"}, []string{"interface", "instance"}, "A macvlan could not be created, set up or removed."},

	{"engine.stalled", story, onlyWarn, []string{"instance", "gap_us", "done"}, nil, "The daemon did not run for a while. `done` has the reaction."},
	{"engine.lease", story, onlyError, []string{"instance", "gap_us", "done"}, nil, "The main loop hung. The sending thread resigned on its own."},
	{"engine.thread", once, onlyInfo, []string{"scheduling"}, []string{"error"}, "Reports whether a real-time thread (SCHED_FIFO) sends adverts. This needs CAP_SYS_NICE or `LimitRTPRIO=1`; under systemd, `ripcord-runner.service` has it."},
}

// FieldMeanings explains each field of the log, with its unit.
var FieldMeanings = map[string]string{
	"added": "added instances: their number at the start, their names at a reload", "changed": "changed instances, like `added`", "removed": "removed instances, like `added`",
	"name": "name of the check, instance or group", "result": "of a check: `up` or `down`; of a command: `done`, `failed`, `killed` (after its timeout) or `unrun`", "command": "the program", "merged": "number of transitions that were skipped before it", "lost": "number of lines lost since the start", "change": "the value added to the priority", "output": "output of the command, up to 4 KiB", "notes": "instances that start anew in another group, changes that need a restart, new warnings of the file", "values": "changed settings, each with its new and old value",
	"active": "the address of the Active that fell silent, or that the previous daemon had heard", "age_ms": "time since the end of the previous daemon, in ms", "counts": "whether the Active counts as heard", "active_address": "the address of the Active",
	"answers": "number of answered probes among the last ones", "asked": "number of those probes", "unanswered": "number of probes in a row without an answer", "silent_us": "time without an answer, in µs", "interfaces": "names of links",
	"address": "the address", "addresses": "list of addresses with prefix length", "admin_up": "whether the link is set up (IFF_UP)", "attachment": "how the eBPF programs are attached: `fentry` or `kprobe`, for socket filters `ebpf`; `none` if they are not",
	"capabilities": "capabilities of the process, named as in capabilities(7)", "user": "the user", "under_way": "number of running commands", "retry_us": "time until the next attempt, in µs",
	"carrier": "whether the link has a carrier (IFF_LOWER_UP)", "carrier_down_count": "the kernel's count of carrier losses",
	"carrier_up_count": "the kernel's count of carrier returns", "cause": "the member or tracker that caused the transition",
	"count": "number of events that this line stands for, since the last such line", "device": "the name of the macvlan", "differences": "number of links that differed",
	"done": "the reaction", "error": "the error, and what to do", "errors": "list of problems, each with line and column",
	"family": "`ipv4` or `ipv6`", "file": "path of the configuration, or of the FIFO", "from": "the state before", "gap_us": "duration, in µs", "group": "name of the group",
	"groups": "number of groups", "hint_us": "time since the last carrier change reported by eBPF, in µs", "ifindex": "the kernel's index of the link", "instance": "name of the instance",
	"gap_ms": "time since the last advert of the previous daemon, in ms", "handover": "whether the previous daemon handed over; otherwise it died", "kept": "whether ripcord keeps a record from now on",
	"instances": "number of instances", "interface": "name of the link", "kind": "`first`, `resign` or `probe`", "links": "number of links",
	"listen": "the TCP address", "locked": "whether memory is locked", "mac": "the virtual MAC, or the MAC of the answering station", "missing": "list of missing items, each with its reason",
	"monitor": "`netlink`, `ethtool`, `mii` or `none`", "operstate": "RFC 2863's ifOperStatus", "ours": "our value", "over": "whether the problem has ended",
	"part": "the part of the daemon", "period_us": "the current period, in µs", "pid": "process id", "priority": "the priority", "reason": "the reason; see the event",
	"rejected": "whether the advert was rejected because of it", "routes": "list of routes and rules in the syntax of `ip`", "scheduling": "`real-time`, `nice` or `ordinary`",
	"skew_ms": "the other router's clock minus ours, in ms", "skewed": "the adverts were signed with another clock", "invalid": "the adverts have no addresses or interval 0", "source": "address of the sender, or source of the link's state",
	"sources": "the last report of each source about the link, and its time", "state": "`on` or `off`; of a command, the new state: `MASTER`, `BACKUP`, `FAULT` or `STOP`", "status": "the document of `ripcord status --json`",
	"subject": "the subject of the warning", "theirs": "the other router's value", "to": "the state after", "took_us": "time from the order to its completion, in µs",
	"unheard": "our adverts do not seem to reach it", "tracker": "the tracked link or check that changed", "until": "the latest end of the delay", "version": "version of ripcord, or VRRP version of a rival",
	"vrid": "the virtual router's number", "was": "the name before", "what": "the difference", "why": "the reason, as text",
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
