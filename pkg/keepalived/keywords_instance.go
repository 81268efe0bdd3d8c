package keepalived

import (
	"time"

	"ripcord/pkg/keepalived/syntax"
)

const second = time.Second

var instanceKeywords = table[instance]{
	{"state", 1, 1, plain, Translated, "sets defaults only: with `MASTER` the default priority is 255, and `nopreempt` and `preempt_delay` are ignored", "", func(t *translator, s *syntax.Statement, i *instance) {
		switch w := s.Words[1]; {
		case w.Text != "MASTER" && w.Text != "BACKUP":
			t.Ignore(w.Position, "write MASTER or BACKUP", "%s is not a state: ripcord uses BACKUP", syntax.Show(w.Text))
			i.state = syntax.Word{Text: "BACKUP", Position: w.Position}
		case w.Text == "BACKUP" && i.state.Text == "MASTER":
			t.Ignore(w.Position, "", "BACKUP after MASTER has no effect")
		default:
			i.state = w
		}
	}},
	{"interface", 1, 1, plain, Translated, "`interface`. With `unicast_peer` and without it, ripcord takes the interface that has the address of `unicast_src_ip`, also with keepalived 2.2, which does not start. Without `unicast_src_ip` it is an error, as for keepalived", "", wordTo(func(i *instance) *syntax.Word { return &i.iface })},
	{"virtual_router_id", 1, 1, plain, Translated, "`vrid`. Instances with other `unicast_peer` or another `mcast_dst_ip` may share a VRID, but not a virtual MAC: the first one has it, and the others have the MAC of the interface (keepalived leaves them in FAULT)", "", wordTo(func(i *instance) *syntax.Word { return &i.vrid })},
	{"priority", 1, 1, plain, Translated, "`priority`", "", func(t *translator, s *syntax.Statement, i *instance) {
		i.priority = numberIn(t.Report, s.Words[1], 1, 255, "the priority is 100")
		if !i.priority.said {
			i.priority = number{100, s.Words[1].Position, true}
		}
	}},
	{"advert_int", 1, 1, plain, Translated, "`interval`", "", secondsTo(func(i *instance) *length { return &i.interval }, 10*time.Millisecond, 255*second)},
	{"version", 1, 1, plain, Translated, "`version`. Default: 2 over IPv4, 3 over IPv6. Version 2 over IPv6 is an error", "", readVersion},
	{"native_ipv6", 0, 0, plain, Translated, "`family: ipv6`, `version: 3`", "", func(t *translator, s *syntax.Statement, i *instance) {
		if i.isOf(t.Report, 6, s.At(), "native_ipv6") {
			i.version = number{3, s.At(), true}
		}
	}},
	{"nopreempt", 0, 0, plain, Translated, "`preempt: false`", "", flagTo(func(i *instance) *number { return &i.nopreempt }, 1)},
	{"preempt", 0, 0, plain, Translated, "`preempt: true`", "", flagTo(func(i *instance) *number { return &i.nopreempt }, 0)},
	{"preempt_delay", 1, 1, plain, Translated, "`preempt_delay`. It starts when the last fault ends or a weight returns, not at the first advert of lower priority", "", secondsTo(func(i *instance) *length { return &i.preemptDelay }, 0, 1000*second)},
	{"down_timer_adverts", 1, 1, plain, Translated, "`miss`", "", numberTo(func(i *instance) *number { return &i.misses }, 1, 100)},
	{"authentication", 0, 0, nested, Translated, "`auth`", "", func(t *translator, s *syntax.Statement, i *instance) {
		authKeywords.read(t, "authentication", s.Block, i)
	}},
	{"auth_hmac", 0, 0, nested, Translated, "`auth.hmac`", "", func(t *translator, s *syntax.Statement, i *instance) {
		i.hmac = &hmac{at: s.At()}
		hmacKeywords.read(t, "auth_hmac", s.Block, i.hmac)
	}},
	{"unicast_peer", 0, 0, entries, Translated, "`unicast.peers`. ripcord accepts adverts from these peers only. It skips addresses of the router itself, so all routers can share one file. If no other peer is left, the router serves and sends no adverts", "", readPeers},
	{"unicast_src_ip", 1, 1, plain, Translated, "`source`. With `unicast_peer`: the instance is in Fault while the address is not on this machine; keepalived becomes MASTER then, since it hears no peer. Without `unicast_peer`, over IPv4: also `track_source: false`, and adverts keep this source address even if it is missing", "", readSource},
	{"mcast_src_ip", 1, 1, plain, Translated, "`source`, as `unicast_src_ip`", "", readSource},
	{"unicast_ttl", 1, 1, plain, Translated, "`unicast.ttl`", "", numberTo(func(i *instance) *number { return &i.ttl }, 0, 255)},
	{"mcast_dst_ip", 1, 1, plain, Translated, "`multicast`. Over IPv6 the group must be link-local", "", readMulticast},
	{"check_unicast_src", 0, 0, plain, Inherent, "always: ripcord rejects adverts that are not from a peer", "", flagTo(func(i *instance) *number { return &i.sourcesChecked }, 1)},
	{"unicast_fault_no_peer", 0, 0, plain, Translated, "an instance without a peer is left out, with its group; keepalived keeps both in FAULT", "", flagTo(func(i *instance) *number { return &i.faultWithoutPeer }, 1)},
	{"old_unicast_checksum", 0, 1, plain, Changed, "adverts with the old checksum are rejected: update the other routers", "", nil},
	{"v3_checksum_as_v2", 0, 1, plain, Translated, "`checksum: rfc9568`", "", switchTo(func(i *instance) *number { return &i.version2 })},
	{"track_src_ip", 0, 0, plain, Translated, "`track_source: true`: the instance is in Fault while the `source` address is not on this machine, also at the start. keepalived starts as MASTER without it, and enters FAULT only when the address is removed later", "", flagTo(func(i *instance) *number { return &i.trackSource }, 1)},
	{"virtual_ipaddress", 0, 0, entries, Translated, "`addresses`. An IPv6 address with a prefix length other than 128 has `preferred: true`, unless `preferred_lft` is set. `peer`, `home`, `mngtmpaddr`, `noprefixroute` and `autojoin` are not supported. If two instances share an address, it stays while either is MASTER; under keepalived the first that leaves MASTER removes it", "", func(t *translator, s *syntax.Statement, i *instance) {
		i.readAddresses(t.Report, s, &i.addresses, false)
	}},
	{"virtual_ipaddress_excluded", 0, 0, entries, Translated, "`extra_addresses`", "", func(t *translator, s *syntax.Statement, i *instance) { i.readAddresses(t.Report, s, &i.extra, true) }},
	{"no_virtual_ipaddress", 0, 0, plain, Translated, "an instance without addresses runs, with a warning", "", flagTo(func(i *instance) *number { return &i.withoutAddresses }, 1)},
	{"virtual_routes", 0, 0, entries, Translated, "`routes`. A `dev` other than the instance's interface is tracked, too (`track: [{interface: …}]`), unless the route has `no_track`", "", func(_ *translator, s *syntax.Statement, i *instance) { i.routeLines = append(i.routeLines, s.Block...) }},
	{"virtual_rules", 0, 0, entries, Translated, "`rules`. `iif` and `oif` are tracked in the same way", "", func(_ *translator, s *syntax.Statement, i *instance) { i.ruleLines = append(i.ruleLines, s.Block...) }},
	{"promote_secondaries", 0, 0, plain, Inherent, "always", "", nil},
	{"track_interface", 0, 0, entries, Translated, "`track: [{interface: …}]`", "", trackedTo(trackedInterface, func(i *instance) *[]tracked { return &i.tracked })},
	{"track_script", 0, 0, entries, Translated, "`track: [{check: …}]`", "", trackedTo(trackedScript, func(i *instance) *[]tracked { return &i.tracked })},
	{"track_file", 0, 0, entries, Translated, "`track: [{check: …}]`", "", trackedTo(trackedFile, func(i *instance) *[]tracked { return &i.tracked })},
	{"track_process", 0, 0, entries, Translated, "`track: [{check: …}]`", "", trackedTo(trackedProcess, func(i *instance) *[]tracked { return &i.tracked })},
	{"track_bfd", 0, 0, entries, Missing, noBFD, "BFD", nil},
	{"dont_track_primary", 0, 0, plain, Translated, "`track_link: false`", "", flagTo(func(i *instance) *number { return &i.dontTrack }, 1)},
	{"use_vmac", 0, -1, plain, Translated, "`virtual_mac`, with the MAC of the RFC. Another MAC is not supported, and the interface cannot be named `true` or `false`. If a link of the name exists that is no private macvlan, the macvlan has its standard name, as under keepalived. With `unicast_peer` or `unicast_src_ip`: also `virtual_mac_adverts: false`, as with `vmac_xmit_base`", "", readVMAC},
	{"vmac_xmit_base", 0, 0, plain, Translated, "`virtual_mac_adverts: false`", "", flagTo(func(i *instance) *number { return &i.vmac.base }, 1)},
	{"use_vmac_addr", 0, 0, plain, Changed, "addresses on other interfaces use the MAC of those interfaces", "", nil},
	{"use_ipvlan", 0, -1, plain, Changed, "ripcord creates no ipvlan: it adds the addresses to the interface itself", "", nil},
	{"vrf", 1, 1, plain, Changed, "an instance has no VRF setting: adverts leave through `interface`", "", nil},
	{"linkbeat_use_polling", 0, 0, plain, Inherent, "`links.NAME.monitor: auto` polls the NIC if its driver reports no link changes", "", nil},
	{"accept", 0, 0, plain, Translated, "`accept: true`", "", flagTo(func(i *instance) *number { return &i.accept }, 1)},
	{"no_accept", 0, 0, plain, Translated, "`accept: false`", "", flagTo(func(i *instance) *number { return &i.accept }, 0)},
	{"strict_mode", 0, 1, plain, Translated, "no authentication, no `preempt_delay`, and `accept: false` unless the priority is 255. `unicast_peer` counts, as in keepalived 2.2: 2.4 does not start with it", "", switchTo(func(i *instance) *number { return &i.strict })},
	{"skip_check_adv_addr", 0, 1, plain, Inherent, "ripcord logs an advert with other addresses, and never drops it for that", "", nil},
	{"lower_prio_no_advert", 0, 1, plain, Changed, lowerAnswered, "", switchTo(func(i *instance) *number { return &i.lowerUnanswered })},
	{"higher_prio_send_advert", 0, 1, plain, Changed, higherUnanswered, "", whenOn[instance](higherUnanswered)},
	{"owner_ignore_adverts", 0, 1, plain, Changed, ownerYields, "", switchTo(func(i *instance) *number { return &i.ownerDeaf })},
	{"timer_expired_backup", 0, 1, plain, Inherent, "after a stall in which another router took over, the router returns to Backup by itself", "", nil},
	{"thread_timer_expired", 0, 1, plain, Inherent, "as `timer_expired_backup`", "", nil},
	{"kernel_rx_buf_size", -1, 1, plain, Inherent, "ripcord sizes its buffers itself", "", nil},
	{"debug", 0, 1, plain, Inherent, "`--log-level debug`", "", nil},
	{"garp_master_delay", 1, 1, plain, Translated, "`announce.again_after`", "", secondsTo(func(i *instance) *length { return &i.delay }, 0, 4000*second)},
	{"garp_master_refresh", 1, 1, plain, Translated, "`announce.refresh`", "", secondsTo(func(i *instance) *length { return &i.refresh }, 0, 1<<31*second)},
	{"garp_master_repeat", 1, 1, plain, Translated, "`announce.count`", "", numberTo(func(i *instance) *number { return &i.repeat }, 0, 1<<31-1)},
	{"garp_master_refresh_repeat", 1, 1, plain, Changed, onceAtRefresh, "", refreshRepeat[instance]},
	{"garp_lower_prio_delay", 1, 1, plain, Changed, onceAtRival, "", nil},
	{"garp_lower_prio_repeat", 1, 1, plain, Changed, onceAtRival, "", nil},
	{"garp_extra_if", 0, -1, plain, Inherent, "every 30 s an Active sends ARP or neighbor requests from its virtual MAC, so that switches keep it in their tables; addresses on other interfaces are announced on those", "", nil},
	{"vmac_garp_intvl", 0, -1, plain, Inherent, "as `garp_extra_if`", "", nil},
	{"notify_master", 1, -1, plain, Translated, "`notify.active`", "", notifyTo(func(i *instance) *command { return &i.notify.master })},
	{"notify_backup", 1, -1, plain, Translated, "`notify.backup`", "", notifyTo(func(i *instance) *command { return &i.notify.backup })},
	{"notify_fault", 1, -1, plain, Translated, "`notify.fault`", "", notifyTo(func(i *instance) *command { return &i.notify.fault })},
	{"notify_stop", 1, -1, plain, Translated, "`notify.stop`", "", notifyTo(func(i *instance) *command { return &i.notify.stop })},
	{"notify", 1, -1, plain, Translated, "`notify.any`, with the same four arguments", "", notifyTo(func(i *instance) *command { return &i.notify.any })},
	{"notify_deleted", 0, -1, plain, Changed, "when a reload removes an instance, its `notify.stop` runs", "", nil},
	{"notify_master_rx_lower_pri", 1, -1, plain, Missing, "ripcord runs no command when an Active hears an advert of lower priority; it announces its addresses again", "notify_master_rx_lower_pri", nil},
	{"notify_priority_changes", 0, 1, plain, Missing, noPriorityLines, "priority changes", nil},
	{"smtp_alert", 0, 1, plain, Missing, noMail, "mail", nil},
	{"lvs_sync_daemon_interface", 1, -1, plain, Missing, noSync, "LVS", nil},
}

// Explanations of what ripcord does not do.
const (
	noMail          = "ripcord sends no mail: use `notify`, the log or the metrics"
	noSNMP          = "ripcord has no SNMP agent: use the Prometheus metrics at `control.listen`"
	noDBus          = "ripcord has no D-Bus interface: use `ripcord status`, `ripcord events` or the control API"
	noBFD           = "ripcord does not use BFD: link monitoring, `probe` and a short `interval` detect a dead router"
	noSync          = "ripcord does not synchronise IPVS connections"
	noPriorityLines = "ripcord logs priority changes (`instance.priority`) and writes none to the FIFO"
)

var authKeywords = table[instance]{
	{"auth_type", 1, 1, plain, Translated, "`PASS` only; `AH` is an error", "", func(t *translator, s *syntax.Statement, i *instance) {
		if w := s.Words[1]; w.Text == "PASS" || w.Text == "AH" {
			i.authType = w
		} else {
			t.Ignore(w.Position, "write PASS", "%s is not a type of authentication: it is left out", syntax.Show(w.Text))
		}
	}},
	{"auth_pass", 1, 1, plain, Translated, "`auth.pass`; the first 8 characters are used", "", wordTo(func(i *instance) *syntax.Word { return &i.authPass })},
}

var hmacKeywords = table[hmac]{
	{"key", 2, 2, plain, Translated, "`auth.hmac.keys`. `file:` becomes `keepalived_file`", "", func(t *translator, s *syntax.Statement, h *hmac) {
		if id := numberIn(t.Report, s.Words[1], 1, 255, "the key is left out"); id.said {
			h.keys = append(h.keys, hmacKey{id, s.Words[2]})
		}
	}},
	{"active_key", 1, 1, plain, Translated, "`auth.hmac.active`", "", numberTo(func(h *hmac) *number { return &h.active }, 1, 255)},
	{"mode", 1, 1, plain, Translated, "`auth.hmac.mode`", "", wordAmong(func(h *hmac) *syntax.Word { return &h.mode }, "enforce", "permissive", "receive-only")},
	{"anti_replay", 1, 1, plain, Translated, "`auth.hmac.replay`", "", wordAmong(func(h *hmac) *syntax.Word { return &h.replay }, "time", "monotonic")},
	{"time_window", 1, 1, plain, Translated, "`auth.hmac.window`", "", secondsTo(func(h *hmac) *length { return &h.window }, second, 300*second)},
}

// readVersion reads the version of an instance. The first one counts, and over IPv6 version 2 never
// does.
func readVersion(t *translator, s *syntax.Statement, i *instance) {
	switch v := leadingIn(t.Report, s.Words[1], 2, 3, s.Keyword()+" is left out"); {
	case !v.said:
	case i.version.said && i.version.value != v.value:
		t.Ignore(v.at, "keep one", "the version is %d already: %d has no effect", i.version.value, v.value)
	case v.value == 2 && i.family == 6:
		t.Ignore(v.at, "leave the line out", "the instance is IPv6: ripcord uses version 3")
	default:
		i.version = v
	}
}

// notifyTo reads a command of notify. The first of each kind counts.
func notifyTo[T any](field func(*T) *command) func(*translator, *syntax.Statement, *T) {
	return func(t *translator, s *syntax.Statement, into *T) {
		into1 := field(into)
		if into1.said {
			t.Ignore(s.At(), "keep one", "%s is set already: this line has no effect", s.Keyword())
			return
		}
		*into1 = t.commands.read(s, true)
	}
}

func readSource(t *translator, s *syntax.Statement, i *instance) {
	a, ok := hostIn(t.Report, s.Words[1], s.Keyword()+" is left out")
	if ok && i.isOf(t.Report, familyOf(a), s.Words[1].Position, s.Keyword()+" "+a.String()) {
		i.source = syntax.Word{Text: a.String(), Position: s.Words[1].Position}
		i.sourceKeyword = s.Keyword()
	}
	if s.Keyword() == "unicast_src_ip" && i.unicast == "" {
		i.unicast = s.Keyword()
	}
}

// readPeers reads one peer per line, with bounds of its TTL.
func readPeers(t *translator, s *syntax.Statement, i *instance) {
	i.unicast, i.peersAt = s.Keyword(), s.At()
	for _, entry := range s.Block {
		a, ok := hostIn(t.Report, syntax.Word{Text: entry.Word(0), Position: entry.At()}, "the peer is left out")
		if !ok || !i.isOf(t.Report, familyOf(a), entry.At(), "the peer "+a.String()) {
			continue
		}
		p := peer{address: a, at: entry.At()}
		for n := 1; n < len(entry.Words); n += 2 {
			bound := &p.minTTL
			switch {
			case entry.Word(n) == "max_ttl":
				bound = &p.maxTTL
			case entry.Word(n) != "min_ttl" || n+1 == len(entry.Words):
				t.Ignore(entry.Words[n].Position, "write one peer a line", "%s is left out", syntax.Show(entry.Word(n)))
				n = len(entry.Words)
				continue
			}
			*bound = numberIn(t.Report, entry.Words[n+1], 0, 255, "the bound is left out")
		}
		i.peers = append(i.peers, p)
	}
}
