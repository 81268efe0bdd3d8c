package keepalived

import (
	"strings"
	"time"

	"ripcord/pkg/keepalived/syntax"
)

var globalKeywords = table[globals]{
	{"router_id", 0, -1, plain, Inherent, "only mail and SNMP use the router ID", "", nil},
	{"notification_email", 0, -1, skipped, Missing, noMail, "mail", nil},
	{"notification_email_from", 0, -1, plain, Missing, noMail, "mail", nil},
	{"smtp_server", 0, -1, plain, Missing, noMail, "mail", nil},
	{"smtp_helo_name", 0, -1, plain, Missing, noMail, "mail", nil},
	{"smtp_connect_timeout", 0, -1, plain, Missing, noMail, "mail", nil},
	{"smtp_alert", 0, -1, plain, Missing, noMail, "mail", nil},
	{"smtp_alert_vrrp", 0, -1, plain, Missing, noMail, "mail", nil},
	{"smtp_alert_checker", 0, -1, plain, Missing, noMail, "mail", nil},
	{"no_email_faults", 0, -1, plain, Missing, noMail, "mail", nil},
	{"vrrp_version", 1, 1, plain, Translated, "`version` of all instances", "", numberTo(func(g *globals) *number { return &g.version }, 2, 3)},
	{"vrrp_strict", 0, 1, plain, Translated, "as `strict_mode` in all instances", "", switchTo(func(g *globals) *number { return &g.strict })},
	{"vrrp_garp_master_delay", 1, 1, plain, Translated, "`announce.again_after`", "", secondsTo(func(g *globals) *length { return &g.delay }, 0, 4000*second)},
	{"vrrp_garp_master_repeat", 1, 1, plain, Translated, "`announce.count`", "", numberTo(func(g *globals) *number { return &g.repeat }, 0, 1<<31-1)},
	{"vrrp_garp_master_refresh", 1, 1, plain, Translated, "`announce.refresh`", "", secondsTo(func(g *globals) *length { return &g.refresh }, 0, 1<<31*second)},
	{"vrrp_garp_master_refresh_repeat", 1, 1, plain, Changed, onceAtRefresh, "", refreshRepeat[globals]},
	{"vrrp_garp_lower_prio_delay", 1, 1, plain, Changed, onceAtRival, "", nil},
	{"vrrp_garp_lower_prio_repeat", 1, 1, plain, Changed, onceAtRival, "", nil},
	{"vrrp_garp_interval", 1, 1, plain, Translated, "`announce.spacing`", "", secondsTo(func(g *globals) *length { return &g.garpInterval }, 0, 4000*second)},
	{"vrrp_gna_interval", 1, 1, plain, Translated, "`announce.spacing` of IPv6 instances", "", secondsTo(func(g *globals) *length { return &g.gnaInterval }, 0, 4000*second)},
	{"vrrp_min_garp", 0, 1, plain, Translated, "`announce.count: 1`, `announce.again_after: 0s`", "", func(t *translator, s *syntax.Statement, g *globals) {
		if on, ok := switched(t.Report, s); ok && on {
			g.repeat, g.delay = number{1, s.At(), true}, length{0, s.At(), true}
		}
	}},
	{"vrrp_garp_extra_if", 0, -1, plain, Inherent, "every 30 s an Active sends ARP or neighbor requests from its virtual MAC, so that switches keep it in their tables; addresses on other interfaces are announced on those", "", nil},
	{"vrrp_vmac_garp_intvl", 0, -1, plain, Inherent, "as `vrrp_garp_extra_if`", "", nil},
	{"vrrp_down_timer_adverts", 1, 1, plain, Translated, "`miss` of all instances", "", numberTo(func(g *globals) *number { return &g.misses }, 1, 100)},
	{"vrrp_startup_delay", 1, 1, plain, Translated, "`startup_delay` of all instances, plus the Active_Down_Interval, since keepalived waits for adverts after the delay. If an Active resigns during that interval, ripcord takes over at its end", "", func(t *translator, s *syntax.Statement, g *globals) {
		secondsTo(func(g *globals) *length { return &g.startupDelay }, 0, 24*time.Hour)(t, s, g)
		if g.startupDelay.value > 0 {
			t.Differ(s.At(), "", "if a MASTER resigns soon after the delay, ripcord takes over when an Active_Down_Interval after the delay has passed; keepalived takes over after Skew_Time")
		}
	}},
	{"vrrp_delay_after_boot", 1, 1, plain, Changed, "`startup_delay` starts with the daemon, not with the boot", "", nil},
	{"v3_checksum_as_v2", 0, 1, plain, Translated, "`checksum: rfc9568` of all instances", "", switchTo(func(g *globals) *number { return &g.version2 })},
	{"vrrp_mcast_group4", 1, 1, plain, Translated, "`multicast` of all IPv4 instances without `mcast_dst_ip`", "", groupTo(4)},
	{"vrrp_mcast_group6", 1, 1, plain, Translated, "`multicast` of all IPv6 instances without `mcast_dst_ip`", "", groupTo(6)},
	{"vrrp_check_unicast_src", 0, 1, plain, Inherent, "always: ripcord rejects adverts that are not from a peer", "", switchTo(func(g *globals) *number { return &g.sourcesChecked })},
	{"vrrp_skip_check_adv_addr", 0, 1, plain, Inherent, "ripcord logs an advert with other addresses, and never drops it for that", "", nil},
	{"vrrp_lower_prio_no_advert", 0, 1, plain, Changed, lowerAnswered, "", switchTo(func(g *globals) *number { return &g.lowerUnanswered })},
	{"vrrp_higher_prio_send_advert", 0, 1, plain, Changed, higherUnanswered, "", whenOn[globals](higherUnanswered)},
	{"vrrp_owner_ignore_adverts", 0, 1, plain, Changed, ownerYields, "", switchTo(func(g *globals) *number { return &g.ownerDeaf })},
	{"log_unknown_vrids", 0, 1, plain, Inherent, "always, rate-limited", "", nil},
	{"default_interface", -1, 1, plain, Translated, "`interface` of instances and static addresses without one. keepalived does not start an instance that has no interface of its own", "", wordTo(func(g *globals) *syntax.Word { return &g.defaultInterface })},
	{"dynamic_interfaces", 0, 1, plain, Inherent, "always: an interface need not exist at the start", "", flagTo(func(g *globals) *number { return &g.dynamic }, 1)},
	{"script_user", -1, 2, plain, Translated, "`script_user`, `script_group`. Default: `keepalived_script` if that user exists, otherwise `root`", "", func(t *translator, s *syntax.Statement, g *globals) {
		group := syntax.Word{}
		if len(s.Words) > 2 {
			group = s.Words[2]
		}
		if t.commands.account(s.Words[1].Position, s.Word(1), group.Text, "commands and FIFOs that name no user of their own are left out") {
			g.user, g.group, t.commands.nobody = s.Words[1], group, false
		} else {
			t.commands.nobody = true
		}
	}},
	{"enable_script_security", 0, 1, plain, Inherent, "always. ripcord does not run a command that other users can change. It treats such a script as not tracked, with a warning. If there is neither `script_user` nor the user `keepalived_script`, commands without a user of their own do not run", "", nil},
	{"use_symlink_paths", 0, 1, plain, Inherent, "ripcord runs commands by the configured path, also if it contains symbolic links", "", nil},
	{"set_supplementary_groups", 0, 1, plain, Inherent, "commands run with the supplementary groups of their user", "", nil},
	{"notify_fifo", -1, 3, plain, Translated, "`fifo`, `fifo_user`, `fifo_group`. The FIFO belongs to ripcord's user and its group may read it: mode 0640, not 0644", "", fifoTo(func(g *globals) *fifo { return &g.fifo })},
	{"vrrp_notify_fifo", -1, 3, plain, Translated, "as `notify_fifo`", "", fifoTo(func(g *globals) *fifo { return &g.vrrpFIFO })},
	{"notify_fifo_script", -1, -1, plain, Translated, "`fifo_reader`, with its user", "", notifyTo(func(g *globals) *command { return &g.reader })},
	{"vrrp_notify_fifo_script", -1, -1, plain, Translated, "`fifo_reader`, with its user", "", notifyTo(func(g *globals) *command { return &g.vrrpReader })},
	{"vrrp_notify_priority_changes", 0, 1, plain, Missing, noPriorityLines, "priority changes", nil},
	{"fifo_write_vrrp_states_on_reload", 0, 1, plain, Changed, "a reload writes no line for instances that did not change", "", nil},
	{"startup_script", -1, -1, plain, Translated, "`startup`, with its user", "", notifyTo(func(g *globals) *command { return &g.startup.command })},
	{"startup_script_timeout", -1, 1, plain, Translated, "`startup.timeout`", "", secondsTo(func(g *globals) *length { return &g.startup.timeout }, second, 1000*second)},
	{"shutdown_script", -1, -1, plain, Translated, "`shutdown`, with its user", "", notifyTo(func(g *globals) *command { return &g.shutdown.command })},
	{"shutdown_script_timeout", -1, 1, plain, Translated, "`shutdown.timeout`", "", secondsTo(func(g *globals) *length { return &g.shutdown.timeout }, second, 1000*second)},
	{"vrrp_iptables", 0, -1, plain, Inherent, "ripcord implements `accept: false` in its own nftables table", "", nil},
	{"vrrp_ipsets", 0, -1, plain, Inherent, "ripcord implements `accept: false` in its own nftables table", "", nil},
	{"nftables", 0, -1, plain, Inherent, "ripcord implements `accept: false` in its own nftables table", "", nil},
	{"nftables_priority", 0, -1, plain, Inherent, "ripcord chooses the priority of its table", "", nil},
	{"nftables_ifindex", 0, -1, plain, Inherent, "the rules of ripcord's table match interface names", "", nil},
	{"nftables_counters", 0, -1, plain, Inherent, "ripcord's table has no counters", "", nil},
	{"disable_local_igmp", 0, 1, plain, Changed, "ripcord leaves the sysctl `net.ipv4.igmp_link_local_mcast_reports` as it is", "", nil},
	{"vmac_prefix", 1, 1, plain, Translated, "`virtual_mac: PREFIX.VRID`", "", readVMACPrefix},
	{"vmac_addr_prefix", 1, 1, plain, Changed, "keepalived begins the names of the macvlans of `use_vmac_addr` with it. ripcord makes no such macvlans, and adds these addresses to their interfaces: leave it out", "", nil},
	{"vrrp_priority", 0, -1, plain, Inherent, "ripcord schedules its threads itself", "", nil},
	{"vrrp_rt_priority", 0, -1, plain, Inherent, "ripcord schedules its threads itself", "", nil},
	{"vrrp_no_swap", 0, -1, plain, Inherent, "ripcord locks its memory", "", nil},
	{"vrrp_cpu_affinity", 0, -1, plain, Inherent, "use `CPUAffinity=` in the systemd unit", "", nil},
	{"vrrp_rlimit_rttime", 0, -1, plain, Inherent, "ripcord schedules its threads itself", "", nil},
	{"vrrp_rlimit_rtime", 0, -1, plain, Inherent, "ripcord schedules its threads itself", "", nil},
	{"max_auto_priority", 0, -1, plain, Inherent, "ripcord schedules its threads itself", "", nil},
	{"min_auto_priority_delay", 0, -1, plain, Inherent, "ripcord schedules its threads itself", "", nil},
	{"process_names", 0, -1, plain, Inherent, "ripcord has one daemon process", "", nil},
	{"process_name", 0, -1, plain, Inherent, "ripcord has one daemon process", "", nil},
	{"vrrp_process_name", 0, -1, plain, Inherent, "ripcord has one daemon process", "", nil},
	{"checker_process_name", 0, -1, plain, Inherent, "ripcord has one daemon process", "", nil},
	{"lvs_process_name", 0, -1, plain, Inherent, "ripcord has one daemon process", "", nil},
	{"bfd_process_name", 0, -1, plain, Inherent, "ripcord has one daemon process", "", nil},
	{"umask", 0, -1, plain, Changed, "commands use the daemon's umask: set `UMask=` in the systemd unit", "", nil},
	{"random_seed", 0, -1, plain, Inherent, "ripcord needs no random seed", "", nil},
	{"vrrp_netlink_cmd_rcv_bufs", 0, -1, plain, Inherent, "when a buffer overflows, ripcord asks the kernel again", "", nil},
	{"vrrp_netlink_cmd_rcv_bufs_force", 0, -1, plain, Inherent, "when a buffer overflows, ripcord asks the kernel again", "", nil},
	{"vrrp_netlink_monitor_rcv_bufs", 0, -1, plain, Inherent, "when a buffer overflows, ripcord asks the kernel again", "", nil},
	{"vrrp_netlink_monitor_rcv_bufs_force", 0, -1, plain, Inherent, "when a buffer overflows, ripcord asks the kernel again", "", nil},
	{"process_monitor_rcv_bufs", 0, -1, plain, Inherent, "when a buffer overflows, ripcord asks the kernel again", "", nil},
	{"process_monitor_rcv_bufs_force", 0, -1, plain, Inherent, "when a buffer overflows, ripcord asks the kernel again", "", nil},
	{"vrrp_rx_bufs_policy", 0, -1, plain, Inherent, "ripcord sizes its buffers itself", "", nil},
	{"vrrp_rx_bufs_multiplier", 0, -1, plain, Inherent, "ripcord sizes its buffers itself", "", nil},
	{"reload_check_config", 0, -1, plain, Changed, "keepalived then starts and reloads only with a file that has no error at all; ripcord refuses a file only for its own errors, and starts and reloads with warnings", "", nil},
	{"reload_time_file", 0, -1, plain, Missing, "ripcord does not schedule reloads: use `ripcord reload`", "reload", nil},
	{"reload_repeat", 0, -1, plain, Missing, "ripcord does not schedule reloads: use `ripcord reload`", "reload", nil},
	{"reload_file", 0, -1, plain, Missing, "ripcord does not schedule reloads: use `ripcord reload`", "reload", nil},
	{"include_check", 0, -1, plain, Inherent, "an include that matches no file is a warning; a file that cannot be read is an error", "", nil},
	{"config_save_dir", 0, -1, plain, Missing, "ripcord does not save configurations", "config_save_dir", nil},
	{"tmp_config_directory", 0, -1, plain, Inherent, "ripcord has one daemon process", "", nil},
	{"data_use_instance", 0, -1, plain, Inherent, "use `ripcord status` instead of the dump files", "", nil},
	{"json_version", 0, -1, plain, Inherent, "use `ripcord status --json` instead of the dump files", "", nil},
	{"state_dump_file", 0, -1, plain, Inherent, "use `ripcord status` instead of the dump files", "", nil},
	{"stats_dump_file", 0, -1, plain, Inherent, "use `ripcord status` instead of the dump files", "", nil},
	{"json_dump_file", 0, -1, plain, Inherent, "use `ripcord status --json` instead of the dump files", "", nil},
	{"iproute_usr_dir", 0, -1, plain, Changed, "ripcord reads names of routing tables from /etc/iproute2", "", nil},
	{"iproute_etc_dir", 0, -1, plain, Changed, "ripcord reads names of routing tables from /etc/iproute2", "", nil},
	{"snmp_socket", 0, -1, plain, Missing, noSNMP, "SNMP", nil},
	{"enable_traps", 0, -1, plain, Missing, noSNMP, "SNMP", nil},
	{"enable_snmp_vrrp", 0, -1, plain, Missing, noSNMP, "SNMP", nil},
	{"enable_snmp_keepalived", 0, -1, plain, Missing, noSNMP, "SNMP", nil},
	{"enable_snmp_rfc", 0, -1, plain, Missing, noSNMP, "SNMP", nil},
	{"enable_snmp_rfcv2", 0, -1, plain, Missing, noSNMP, "SNMP", nil},
	{"enable_snmp_rfcv3", 0, -1, plain, Missing, noSNMP, "SNMP", nil},
	{"enable_snmp_checker", 0, -1, plain, Missing, noSNMP, "SNMP", nil},
	{"snmp_vs_stats_update_interval", 0, -1, plain, Missing, noSNMP, "SNMP", nil},
	{"snmp_rs_stats_update_interval", 0, -1, plain, Missing, noSNMP, "SNMP", nil},
	{"enable_dbus", 0, -1, plain, Missing, noDBus, "D-Bus", nil},
	{"dbus_service_name", 0, -1, plain, Missing, noDBus, "D-Bus", nil},
	{"dbus_no_interface_name", 0, -1, plain, Missing, noDBus, "D-Bus", nil},
	{"lvs_sync_daemon", 0, -1, plain, Missing, noSync, "LVS", nil},
	{"lvs_timeouts", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"lvs_flush", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"lvs_flush_on_stop", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"lvs_flush_onstop", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"lvs_notify_fifo", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"lvs_notify_fifo_script", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"lvs_netlink_cmd_rcv_bufs", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"lvs_netlink_cmd_rcv_bufs_force", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"lvs_netlink_monitor_rcv_bufs", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"lvs_netlink_monitor_rcv_bufs_force", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"nftables_ipvs", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"nftables_ipvs_priority", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"nftables_ipvs_start_fwmark", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"checker_priority", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"checker_no_swap", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"checker_rt_priority", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"checker_cpu_affinity", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"checker_rlimit_rttime", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"checker_rlimit_rtime", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"checker_log_all_failures", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"rs_init_notifies", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"no_checker_emails", 0, -1, plain, Missing, noLVS, "LVS", nil},
	{"bfd_priority", 0, -1, plain, Missing, noBFD, "BFD", nil},
	{"bfd_no_swap", 0, -1, plain, Missing, noBFD, "BFD", nil},
	{"bfd_rt_priority", 0, -1, plain, Missing, noBFD, "BFD", nil},
	{"bfd_cpu_affinity", 0, -1, plain, Missing, noBFD, "BFD", nil},
	{"bfd_rlimit_rttime", 0, -1, plain, Missing, noBFD, "BFD", nil},
	{"bfd_rlimit_rtime", 0, -1, plain, Missing, noBFD, "BFD", nil},
}

// Explanations of what ripcord does in another way.
const (
	onceAtRefresh    = "a refresh announces each address once"
	onceAtRival      = "after an advert of lower priority, ripcord announces its addresses as after a takeover, at most once a second"
	lowerAnswered    = "ripcord answers an advert of lower priority, as RFC 9568 requires, at most once per interval"
	higherUnanswered = "ripcord does not answer an advert of higher priority. A new Active announces its addresses again when it hears another one"
	ownerYields      = "a router of priority 255 yields to another router of priority 255 with a higher address"
)

// whenOn notes a difference if the keyword is switched on.
func whenOn[T any](how string) func(*translator, *syntax.Statement, *T) {
	return func(t *translator, s *syntax.Statement, _ *T) {
		if on, ok := switched(t.Report, s); ok && on {
			t.Differ(s.At(), "", "%s: %s", s.Keyword(), how)
		}
	}
}

// refreshRepeat notes a refresh that would announce an address several times.
func refreshRepeat[T any](t *translator, s *syntax.Statement, _ *T) {
	if n := leadingIn(t.Report, s.Words[1], 0, 1<<31-1, s.Keyword()+" is left out"); n.value > 1 {
		t.Differ(s.At(), "", "%s: %s", s.Keyword(), onceAtRefresh)
	}
}

// Explanations of what ripcord does not do.
const (
	noLVS = "ripcord does no load balancing: run `keepalived --check` for that"
)

// fifoTo reads the path of a FIFO. It leaves the FIFO out if its owner is missing: the user it
// names, or that of all commands.
func fifoTo(field func(*globals) *fifo) func(*translator, *syntax.Statement, *globals) {
	return func(t *translator, s *syntax.Statement, g *globals) {
		f := fifo{path: rooted(t.Report, s)}
		if len(s.Words) == 2 {
			if t.commands.unowned() {
				return
			}
		} else {
			f.user, f.group = s.Words[2], strings.TrimPrefix(s.Word(3), ":")
			if !t.commands.account(f.user.Position, f.user.Text, f.group, "the FIFO is left out") {
				return
			}
		}
		*field(g) = f
	}
}
