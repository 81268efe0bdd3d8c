package keepalived

import (
	"time"

	"ripcord/pkg/keepalived/syntax"
)

const second = time.Second

var instanceKeywords = table[instance]{
	{"state", 1, 1, plain, Translated, "only decides defaults: with `MASTER` the priority is 255 unless it is said, and `nopreempt` and `preempt_delay` do not count", "", func(t *translator, s *syntax.Statement, i *instance) {
		switch w := s.Words[1]; {
		case w.Text != "MASTER" && w.Text != "BACKUP":
			t.Ignore(w.Position, "write MASTER or BACKUP", "%s is no state: it counts as BACKUP", syntax.Show(w.Text))
			i.state = syntax.Word{Text: "BACKUP", Position: w.Position}
		case w.Text == "BACKUP" && i.state.Text == "MASTER":
			t.Ignore(w.Position, "", "BACKUP after MASTER does not count")
		default:
			i.state = w
		}
	}},
	{"interface", 1, 1, plain, Translated, "`interface`", "", wordTo(func(i *instance) *syntax.Word { return &i.iface })},
	{"virtual_router_id", 1, 1, plain, Translated, "`vrid`; instances with `unicast_peer` and one without may share it, but not a virtual MAC, which is an error: keepalived leaves one of two with `use_vmac` in FAULT", "", wordTo(func(i *instance) *syntax.Word { return &i.vrid })},
	{"priority", 1, 1, plain, Translated, "`priority`", "", func(t *translator, s *syntax.Statement, i *instance) {
		i.priority = numberIn(t.Report, s.Words[1], 1, 255, "the priority is 100")
		if !i.priority.said {
			i.priority = number{100, s.Words[1].Position, true}
		}
	}},
	{"advert_int", 1, 1, plain, Translated, "`interval`", "", secondsTo(func(i *instance) *length { return &i.interval }, 10*time.Millisecond, 255*second)},
	{"version", 1, 1, plain, Translated, "`version`; 2 by default, 3 over IPv6, over which 2 is an error", "", readVersion},
	{"native_ipv6", 0, 0, plain, Translated, "`family: ipv6`, `version: 3`", "", func(t *translator, s *syntax.Statement, i *instance) {
		if i.isOf(t.Report, 6, s.At(), "native_ipv6") {
			i.version = number{3, s.At(), true}
		}
	}},
	{"nopreempt", 0, 0, plain, Translated, "`preempt: false`", "", flagTo(func(i *instance) *number { return &i.nopreempt }, 1)},
	{"preempt", 0, 0, plain, Translated, "`preempt: true`", "", flagTo(func(i *instance) *number { return &i.nopreempt }, 0)},
	{"preempt_delay", 1, 1, plain, Translated, "`preempt_delay`, which begins with the end of the last fault and not with the first lower advert", "", secondsTo(func(i *instance) *length { return &i.preemptDelay }, 0, 1000*second)},
	{"down_timer_adverts", 1, 1, plain, Translated, "`miss`", "", numberTo(func(i *instance) *number { return &i.misses }, 1, 100)},
	{"authentication", 0, 0, nested, Translated, "`auth`", "", func(t *translator, s *syntax.Statement, i *instance) {
		authKeywords.read(t, "authentication", s.Block, i)
	}},
	{"auth_hmac", 0, 0, nested, Translated, "`auth.hmac`", "", func(t *translator, s *syntax.Statement, i *instance) {
		i.hmac = &hmac{at: s.At()}
		hmacKeywords.read(t, "auth_hmac", s.Block, i.hmac)
	}},
	{"unicast_peer", 0, 0, entries, Translated, "`unicast.peers`; ripcord believes adverts of these only. An address of this router itself is left out, so that all may have one file; if it is the only peer, the router serves and sends to nobody else", "", readPeers},
	{"unicast_src_ip", 1, 1, plain, Translated, "`source`; with `unicast_peer`, while it is not on this machine, the instance is in Fault: keepalived is MASTER then, since it hears no peer. Without, over IPv4, `track_source: false`: adverts leave from it all the same", "", readSource},
	{"mcast_src_ip", 1, 1, plain, Translated, "`source`, as `unicast_src_ip`", "", readSource},
	{"unicast_ttl", 1, 1, plain, Translated, "`unicast.ttl`", "", numberTo(func(i *instance) *number { return &i.ttl }, 0, 255)},
	{"mcast_dst_ip", 1, 1, plain, Translated, "only 224.0.0.18 and ff02::12; another group is an error", "", wordTo(func(i *instance) *syntax.Word { return &i.multicast })},
	{"check_unicast_src", 0, 0, plain, Inherent, "always: adverts of others than the peers are not believed", "", nil},
	{"unicast_fault_no_peer", 0, 0, plain, Translated, "an error where there is no peer", "", flagTo(func(i *instance) *number { return &i.faultWithoutPeer }, 1)},
	{"old_unicast_checksum", 0, 1, plain, Changed, "adverts of this old checksum are not believed: bring the other routers up to date", "", nil},
	{"v3_checksum_as_v2", 0, 1, plain, Translated, "`checksum: rfc9568`", "", switchTo(func(i *instance) *number { return &i.version2 })},
	{"track_src_ip", 0, 0, plain, Translated, "`track_source: true`: while the `source` is not on this machine the instance is in Fault, also at the start: keepalived is MASTER then, and in FAULT only once the address has been removed", "", flagTo(func(i *instance) *number { return &i.trackSource }, 1)},
	{"virtual_ipaddress", 0, 0, entries, Translated, "`addresses`; IPv6 addresses are deprecated, whatever their prefix length, unless `preferred_lft` says otherwise; none has a `peer`, `home`, `mngtmpaddr`, `noprefixroute` or `autojoin`. One that two instances have stays while either is MASTER: under keepalived the first to fall takes it away", "", func(t *translator, s *syntax.Statement, i *instance) {
		i.readAddresses(t.Report, s, &i.addresses, false)
	}},
	{"virtual_ipaddress_excluded", 0, 0, entries, Translated, "`extra_addresses`", "", func(t *translator, s *syntax.Statement, i *instance) { i.readAddresses(t.Report, s, &i.extra, true) }},
	{"no_virtual_ipaddress", 0, 0, plain, Translated, "an instance without addresses is warned of, and runs", "", flagTo(func(i *instance) *number { return &i.withoutAddresses }, 1)},
	{"virtual_routes", 0, 0, entries, Translated, "`routes`; `track: [{interface: …}]` for `dev` of another interface, unless `no_track` stands there", "", func(_ *translator, s *syntax.Statement, i *instance) { i.routeLines = append(i.routeLines, s.Block...) }},
	{"virtual_rules", 0, 0, entries, Translated, "`rules`; `track: [{interface: …}]` for `iif` and `oif`, likewise", "", func(_ *translator, s *syntax.Statement, i *instance) { i.ruleLines = append(i.ruleLines, s.Block...) }},
	{"promote_secondaries", 0, 0, plain, Inherent, "always", "", nil},
	{"track_interface", 0, 0, entries, Translated, "`track: [{interface: …}]`", "", trackedTo(trackedInterface, func(i *instance) *[]tracked { return &i.tracked })},
	{"track_script", 0, 0, entries, Translated, "`track: [{check: …}]`", "", trackedTo(trackedScript, func(i *instance) *[]tracked { return &i.tracked })},
	{"track_file", 0, 0, entries, Translated, "`track: [{check: …}]`", "", trackedTo(trackedFile, func(i *instance) *[]tracked { return &i.tracked })},
	{"track_process", 0, 0, entries, Translated, "`track: [{check: …}]`", "", trackedTo(trackedProcess, func(i *instance) *[]tracked { return &i.tracked })},
	{"track_bfd", 0, 0, entries, Missing, noBFD, "BFD", nil},
	{"dont_track_primary", 0, 0, plain, Translated, "`track_link: false`", "", flagTo(func(i *instance) *number { return &i.dontTrack }, 1)},
	{"use_vmac", 0, -1, plain, Translated, "`virtual_mac`: the RFC's MAC; another one is not supported, nor the names `true` and `false`, which are values of the key. Where another link has the name the macvlan is called `NAME.2`: under keepalived it has its standard name. With `unicast_peer` or `unicast_src_ip`: `virtual_mac_adverts: false`, as if `vmac_xmit_base` stood there", "", readVMAC},
	{"vmac_xmit_base", 0, 0, plain, Translated, "`virtual_mac_adverts: false`", "", flagTo(func(i *instance) *number { return &i.vmac.base }, 1)},
	{"use_vmac_addr", 0, 0, plain, Changed, "addresses on other interfaces have those interfaces' own MAC", "", nil},
	{"use_ipvlan", 0, -1, plain, Changed, "there is no ipvlan: the addresses stand on the interface itself", "", nil},
	{"vrf", 1, 1, plain, Changed, "there is no VRF of an instance: adverts leave through `interface`", "", nil},
	{"linkbeat_use_polling", 0, 0, plain, Inherent, "`links.NAME.monitor: auto` polls where the driver does not notify", "", nil},
	{"accept", 0, 0, plain, Translated, "`accept: true`", "", flagTo(func(i *instance) *number { return &i.accept }, 1)},
	{"no_accept", 0, 0, plain, Translated, "`accept: false`", "", flagTo(func(i *instance) *number { return &i.accept }, 0)},
	{"strict_mode", 0, 1, plain, Translated, "no authentication, no `preempt_delay`, `accept: false` unless the priority is 255; with `unicast_peer` it is an error", "", switchTo(func(i *instance) *number { return &i.strict })},
	{"skip_check_adv_addr", 0, 1, plain, Inherent, "a difference of the addresses is logged, never a reason to drop the advert", "", nil},
	{"lower_prio_no_advert", 0, 1, plain, Changed, lowerAnswered, "", switchTo(func(i *instance) *number { return &i.lowerUnanswered })},
	{"higher_prio_send_advert", 0, 1, plain, Changed, higherUnanswered, "", whenOn[instance](higherUnanswered)},
	{"owner_ignore_adverts", 0, 1, plain, Changed, ownerYields, "", switchTo(func(i *instance) *number { return &i.ownerDeaf })},
	{"timer_expired_backup", 0, 1, plain, Inherent, "a router that stood still so long that others took over steps back by itself", "", nil},
	{"thread_timer_expired", 0, 1, plain, Inherent, "as `timer_expired_backup`", "", nil},
	{"kernel_rx_buf_size", -1, 1, plain, Inherent, "ripcord sizes its buffers itself", "", nil},
	{"debug", 0, 1, plain, Inherent, "`--log-level debug`", "", nil},
	{"garp_master_delay", 1, 1, plain, Translated, "`announce.again_after`", "", secondsTo(func(i *instance) *length { return &i.delay }, 0, 4000*second)},
	{"garp_master_refresh", 1, 1, plain, Translated, "`announce.refresh`", "", secondsTo(func(i *instance) *length { return &i.refresh }, 0, 1<<31*second)},
	{"garp_master_repeat", 1, 1, plain, Translated, "`announce.count`", "", numberTo(func(i *instance) *number { return &i.repeat }, 0, 1<<31)},
	{"garp_master_refresh_repeat", 1, 1, plain, Changed, onceAtRefresh, "", refreshRepeat[instance]},
	{"garp_lower_prio_delay", 1, 1, plain, Changed, onceAtRival, "", nil},
	{"garp_lower_prio_repeat", 1, 1, plain, Changed, onceAtRival, "", nil},
	{"garp_extra_if", 0, -1, plain, Inherent, "an Active asks stations from its virtual MAC every 30 s, which keeps the tables of switches; addresses on other interfaces are announced there", "", nil},
	{"vmac_garp_intvl", 0, -1, plain, Inherent, "as `garp_extra_if`", "", nil},
	{"notify_master", 1, -1, plain, Translated, "`notify.active`", "", notifyTo(func(i *instance) *command { return &i.notify.master })},
	{"notify_backup", 1, -1, plain, Translated, "`notify.backup`", "", notifyTo(func(i *instance) *command { return &i.notify.backup })},
	{"notify_fault", 1, -1, plain, Translated, "`notify.fault`", "", notifyTo(func(i *instance) *command { return &i.notify.fault })},
	{"notify_stop", 1, -1, plain, Translated, "`notify.stop`", "", notifyTo(func(i *instance) *command { return &i.notify.stop })},
	{"notify", 1, -1, plain, Translated, "`notify.any`, with the same four arguments", "", notifyTo(func(i *instance) *command { return &i.notify.any })},
	{"notify_deleted", 0, -1, plain, Changed, "an instance that a reload removes runs its `notify.stop`", "", nil},
	{"notify_master_rx_lower_pri", 1, -1, plain, Missing, "there is no command for a lower advert that an Active hears; its addresses are announced again", "notify_master_rx_lower_pri", nil},
	{"notify_priority_changes", 0, 1, plain, Missing, noPriorityLines, "priority changes", nil},
	{"smtp_alert", 0, 1, plain, Missing, noMail, "mail", nil},
	{"lvs_sync_daemon_interface", 1, -1, plain, Missing, noSync, "LVS", nil},
}

// What is not done, and why.
const (
	noMail          = "ripcord sends no mail: `notify`, the log and the metrics report every transition"
	noSNMP          = "ripcord has no SNMP agent: `control.listen` serves Prometheus metrics"
	noDBus          = "ripcord has no D-Bus interface: `ripcord status`, `ripcord events` and the control API are in its place"
	noBFD           = "BFD sessions are not watched: links, `probe` and a short `interval` notice a dead router"
	noSync          = "the connections of IPVS are not synchronised"
	noPriorityLines = "changes of the priority are events (`instance.priority`), not lines of the FIFO"
)

var authKeywords = table[instance]{
	{"auth_type", 1, 1, plain, Translated, "`PASS` only; `AH` is an error", "", func(t *translator, s *syntax.Statement, i *instance) {
		if w := s.Words[1]; w.Text == "PASS" || w.Text == "AH" {
			i.authType = w
		} else {
			t.Ignore(w.Position, "write PASS", "%s is no type of authentication: it is left out", syntax.Show(w.Text))
		}
	}},
	{"auth_pass", 1, 1, plain, Translated, "`auth.pass`, of which 8 characters count", "", wordTo(func(i *instance) *syntax.Word { return &i.authPass })},
}

var hmacKeywords = table[hmac]{
	{"key", 2, 2, plain, Translated, "`auth.hmac.keys`; `file:` becomes `keepalived_file`", "", func(t *translator, s *syntax.Statement, h *hmac) {
		if id := numberIn(t.Report, s.Words[1], 1, 255, "the key is left out"); id.said {
			h.keys = append(h.keys, hmacKey{id, s.Words[2]})
		}
	}},
	{"active_key", 1, 1, plain, Translated, "`auth.hmac.active`", "", numberTo(func(h *hmac) *number { return &h.active }, 1, 255)},
	{"mode", 1, 1, plain, Translated, "`auth.hmac.mode`", "", wordTo(func(h *hmac) *syntax.Word { return &h.mode })},
	{"anti_replay", 1, 1, plain, Translated, "`auth.hmac.replay`", "", wordTo(func(h *hmac) *syntax.Word { return &h.replay })},
	{"time_window", 1, 1, plain, Translated, "`auth.hmac.window`", "", secondsTo(func(h *hmac) *length { return &h.window }, second, 300*second)},
}

// readVersion reads the version of an instance. The first counts, and over IPv6 none is 2.
func readVersion(t *translator, s *syntax.Statement, i *instance) {
	switch v := leadingIn(t.Report, s.Words[1], 2, 3, s.Keyword()+" is left out"); {
	case !v.said:
	case i.version.said && i.version.value != v.value:
		t.Ignore(v.at, "keep one", "the version is %d already: %d does not count", i.version.value, v.value)
	case v.value == 2 && i.family == 6:
		t.Ignore(v.at, "leave the line out", "the instance is IPv6, which has version 3")
	default:
		i.version = v
	}
}

// notifyTo reads a command of notify. The first of a kind counts.
func notifyTo[T any](field func(*T) *command) func(*translator, *syntax.Statement, *T) {
	return func(t *translator, s *syntax.Statement, into *T) {
		into1 := field(into)
		if into1.said {
			t.Ignore(s.At(), "keep one", "%s comes a second time: the first counts", s.Keyword())
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

// readPeers reads one peer a line, with bounds of its TTL.
func readPeers(t *translator, s *syntax.Statement, i *instance) {
	i.unicast = s.Keyword()
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
