package keepalived

import "time"

// file is a file of the corpus, with its known properties.
type file struct {
	name     string
	routers  int           // number of virtual routers; 0: 1
	interval time.Duration // of its adverts; 0: 1 s
	slower   time.Duration // how much longer than specified a takeover takes
	still    string        // the phases in which, unlike most, a router does not become Active, or does not yield
	args     []string      // further arguments of ripcord
	since    string        // the first keepalived that starts with the file; empty: all do
	differs  []difference
	perhaps  []difference // differences that depend on the moment
	older    []difference // from keepalived 2.2 only
	newer    []difference // from keepalived 2.4 only
}

// difference is a difference between the two, with its reason.
type difference struct {
	lines  string // an expression that matches recorded lines, of keepalived (-) or ripcord (+)
	reason string
}

// quotedTwice returns the difference in how keepalived split a command before 2.3.2.
func quotedTwice(lines string) []difference {
	return []difference{{lines, "keepalived resolved the escapes of a command before its quotes until 2.3.2, and ripcord says so"}}
}

// routesLeft returns a difference for routes that keepalived leaves behind.
func routesLeft(lines string) []difference {
	return []difference{{"^-(against a higher priority|against an equal priority|stopped): there is route " + lines,
		"keepalived 2.4.3 leaves the route standing when it steps back"}}
}

// groupResigns is how ripcord's groups yield. Which member becomes silent and which resigns depends
// on whose rival is read first: usually that on eth0, whose advert is sent first, but on a busy
// machine the other link's socket may be read before it.
var groupResigns = difference{
	`^[-+]against (a higher|an equal) priority: VRID (10|20) .* (resigns|is silent)$`,
	"where one member yields, ripcord's other members resign, and the peer takes over the whole group at once",
}

// ownLinkLocal is an address that a Backup of keepalived keeps, too.
var ownLinkLocal = difference{
	`^-.*there is address vrrp6?\.\d+ inet6 fe80::ff:fe00:\w+/64 scope link nodad deprecated$`,
	"keepalived gives the link of an IPv6 virtual MAC the link-local address of the interface, from which its adverts leave; ripcord's leave from it without",
}

// files are the files from which both are started.
var files = []file{
	{name: "basic-smallest"},
	{name: "basic-pair-master"},
	{name: "basic-two-instances", routers: 2},
	{name: "basic-two-instances-crossed", routers: 2},
	{name: "basic-ipv6"},
	{name: "basic-ipv4-and-ipv6-same-vrid", routers: 2},
	{name: "basic-many-addresses"},
	{name: "basic-no-addresses"},
	{name: "basic-interval-of-a-fraction-in-version-3"},
	{name: "basic-interval-of-a-fraction-in-version-2"},
	{name: "basic-interval-of-two-seconds", interval: 2 * time.Second},
	{name: "basic-mixed-families-in-one-instance"},
	{name: "basic-names-with-blanks"},
	{name: "election-master-without-priority"},
	{name: "election-backup-with-255"},
	{name: "election-owner-without-a-state"},
	{name: "election-priority-300"},
	{name: "election-nopreempt", still: "lower"},
	{name: "election-nopreempt-with-master"},
	{name: "election-preempt-delay", slower: 2 * time.Second},
	{name: "election-preempt-delay-with-master"},
	{name: "election-state-slave"},
	{name: "election-state-in-small-letters", still: "lower"},
	{name: "election-state-given-twice"},
	{name: "election-equal-priorities", routers: 2},
	{name: "election-startup-delay", slower: 3 * time.Second},
	{name: "version-3-of-an-instance"},
	{name: "version-3-for-all"},
	{name: "version-3-after-the-instance"},
	{name: "version-2-of-one-where-all-have-3", routers: 2},
	{name: "auth-pass-of-8-characters"},
	{name: "auth-pass-too-long"},
	{name: "auth-pass-in-quotes"},
	{name: "auth-pass-cut-by-an-exclamation-mark"},
	{name: "auth-pass-escaped"},
	{name: "auth-type-in-small-letters"},
	{name: "auth-in-version-3"},
	{name: "auth-with-strict"},
	{name: "address-without-prefix"},
	{name: "address-dev"},
	{name: "address-label"},
	{name: "address-brd"},
	{name: "address-scope"},
	{name: "address-excluded"},
	{name: "address-excluded-of-the-other-family"},
	{name: "address-of-two-instances", routers: 2},
	{name: "address-given-twice", older: []difference{
		{`^[-+]advert `, "keepalived advertises the address twice"},
	}},
	{name: "address-in-repeated-blocks"},
	{name: "address-not-an-address"},
	{name: "address-prefix-too-long"},
	{name: "address-several-on-one-line"},
	{name: "address-ipv6-without-link-local"},
	{name: "address-ipv6-without-prefix"},
	{name: "address-ipv6-with-a-prefix-length"},
	{name: "address-ipv6-flags", differs: []difference{
		{`there is address eth0 inet6 2001:db8:51::10[013]/64 `, "-nodad, home and noprefixroute: ripcord's addresses have no such flags"},
	}},
	{name: "route-of-all-kinds"},
	{name: "route-default"},
	{name: "route-default-by-name"},
	{name: "route-table-and-metric"},
	{name: "route-blackhole"},
	{name: "route-ipv6", newer: routesLeft("(2001:db8:99::/48|default) via")},
	{name: "route-metrics", differs: []difference{
		{`there is route 10\.34\.0\.0/16 .* rtt 20`, "keepalived makes 200 ms of rtt 20ms"},
	}},
	{name: "route-tos"},
	{name: "route-types"},
	{name: "route-with-two-gateways"},
	{name: "route-multipath-ipv6", newer: routesLeft("(2001:db8:6[01]::/48|nexthop)")},
	{name: "route-contradictions", differs: []difference{
		{`^-.*there is route 10\.30\.0\.0/16 via 192\.0\.2\.254 `, "of two routes in one place keepalived has the kernel keep both, and the first line's is never used"},
	}, newer: routesLeft(`10\.30\.0\.0/16 via 192\.0\.2\.253`)},
	{name: "route-options-without-counterpart"},
	{name: "rule-selectors"},
	{name: "rule-actions", differs: []difference{
		{`^-.*there is rule 1009: .* realms 5$`, "realms are not done, and ripcord says so"},
	}},
	{name: "rule-of-the-other-family"},
	{name: "static-of-all-kinds", newer: routesLeft(`(10\.5[01]|blackhole 10\.52)`)},
	{name: "static-routes-and-rules"},
	{name: "static-ipv6-preferred"},
	{name: "address-the-kernel-refuses"},
	{name: "address-the-kernel-refuses-alone", still: ".", differs: []difference{
		{`^[-+].*: VRID 51 `, "a router that can place none of its addresses is in Fault for once, and then serves with priority 1 where nobody else does; keepalived is MASTER without an address"},
	}},
	{name: "address-nobody-can-hold", differs: []difference{
		{`^[-+]advert |^-.*there is address eth0 inet (224\.0\.0\.5|127\.0\.0\.2|192\.0\.2\.101/0)`, "ripcord neither holds nor advertises what no router can serve, and says so"},
	}},
	{name: "address-dev-with-vmac"},
	{name: "rule-from-and-to"},
	{name: "rule-mark-and-interface"},
	{name: "rule-without-priority"},
	{name: "rule-ipv6"},
	{name: "track-script-positive-weight"},
	{name: "track-script-positive-weight-failing"},
	{name: "track-script-negative-weight"},
	{name: "track-script-without-weight"},
	{name: "track-script-without-weight-failing", still: "."},
	{name: "track-script-reverse"},
	{name: "track-script-positive-reverse"},
	{name: "track-script-reverse-taken-back"},
	{name: "track-script-failing-is-good"},
	{name: "track-script-both-ways", routers: 2},
	{name: "track-script-weight-of-the-instance"},
	{name: "track-script-weight-clipped", routers: 2},
	{name: "track-script-defined-later"},
	{name: "track-script-that-is-missing"},
	{name: "track-script-init-fail"},
	{name: "track-script-init-fail-of-a-fault"},
	{name: "track-script-weights-before-a-result", routers: 2},
	{name: "track-script-that-times-out"},
	{name: "track-script-reversed-both-ways"},
	{name: "track-script-with-a-pipe"},
	{name: "track-script-of-a-shell", older: quotedTwice("^[-+]advert |advertises priority ")},
	{name: "track-script-two-on-one-line"},
	{name: "track-script-of-an-owner"},
	{name: "track-interface-other"},
	{name: "track-interface-weights", routers: 2},
	{name: "track-file"},
	{name: "track-file-several-weights", routers: 2},
	{name: "track-process-reverse"},
	{name: "notify-of-each-state"},
	{name: "notify-one-for-all"},
	{name: "notify-state-and-all"},
	{name: "notify-first-counts"},
	{name: "notify-arguments", older: quotedTwice(": runs two words ")},
	{name: "notify-without-quotes"},
	{name: "notify-script-user"},
	{name: "notify-with-a-pipe"},
	{name: "unicast-pair"},
	{name: "unicast-without-source"},
	{name: "unicast-source-without-peers"},
	{name: "unicast-three-routers"},
	{name: "unicast-one-vrid-by-both", routers: 2},
	{name: "unicast-ttl", still: "priority", differs: []difference{
		{`^[-+]against .* priority: `, "max_ttl: keepalived rejects the rival's adverts and may fall silent for them, ripcord knows no greatest TTL and says so"},
	}},
	{name: "unicast-version-3"},
	{name: "unicast-ipv6"},
	{name: "unicast-itself-among-the-peers"},
	{name: "unicast-addresses-with-a-netmask", routers: 2, differs: []difference{
		{`^[-+]advert eth0: 2001:db8:51::11 `, "without unicast_ttl keepalived leaves the hop limit of IPv6 to the kernel, which takes 64; ripcord's is 255"},
	}},
	{name: "multicast-group"},
	{name: "multicast-group-of-an-instance"},
	{name: "multicast-group-of-two-instances", routers: 2},
	{name: "multicast-group-ipv6", routers: 3},
	{name: "multicast-source"},
	{name: "multicast-source-not-here"},
	{name: "garp-interval-zero"},
	{name: "route-on-its-own-virtual-mac"},
	{name: "vmac-plain"},
	{name: "vmac-named-as-an-interface"},
	{name: "vmac-tracked-by-its-name"},
	{name: "vmac-name-and-base"},
	{name: "vmac-unicast", routers: 2},
	{name: "vmac-names", routers: 7, differs: []difference{ownLinkLocal}},
	{name: "vmac-prefix-too-long"},
	{name: "vmac-other-family", routers: 2, differs: []difference{ownLinkLocal}},
	{name: "vmac-other-family-of-ipv6", differs: []difference{ownLinkLocal}},
	{name: "vmac-of-ipv6", differs: []difference{ownLinkLocal}},
	{name: "group-pair", routers: 2, differs: []difference{groupResigns}},
	{name: "group-after-its-instances", routers: 2, differs: []difference{groupResigns}},
	{name: "group-and-notify-of-members", routers: 2, differs: []difference{groupResigns}},
	{name: "group-script-failing-at-the-start", routers: 2, still: ".", differs: []difference{
		{`^\+alone: runs INSTANCE VI_2 FAULT 100$`, "ripcord notifies all members of a group that a script keeps in FAULT from the start"},
	}},
	{name: "group-unknown-member", routers: 2},
	{name: "group-member-weights", routers: 2, differs: []difference{groupResigns}},
	{name: "group-global-tracking", routers: 2, differs: []difference{
		groupResigns,
		{`VRID 20 .* advertises priority 1[24]0$|^[-+]advert eth1`, "a weight counts for the whole group of ripcord's, for those that track it of keepalived's"},
	}},
	{name: "global-strict"},
	{name: "lvs-beside-an-instance", args: []string{"--without-lvs"}},
	{name: "syntax-crlf"},
	{name: "syntax-comments"},
	{name: "syntax-brace-glued"},
	{name: "syntax-braces-on-one-line", routers: 2},
	{name: "syntax-two-statements-on-a-line"},
	{name: "syntax-include"},
	{name: "syntax-include-glob", routers: 2},
	{name: "syntax-include-in-an-include"},
	{name: "syntax-definition-in-a-definition"},
	{name: "syntax-sequence-block"},
	{name: "syntax-conditional-blocks"},
	{name: "syntax-variables"},
	{name: "syntax-sequence", routers: 3},
	{name: "syntax-list"},
	{name: "syntax-unknown-block"},
	{name: "syntax-shell-prompt"},
	{name: "misspelt-in-an-instance"},
	{name: "product-haproxy-pair"},
	{name: "product-octavia"},
	{name: "product-nginx-plus"},
	{name: "product-postgres-lag", still: "lower"},
	{name: "product-dns-process", slower: time.Second},
	{name: "product-openwrt", slower: 3 * time.Second},
	{name: "product-proxy-ipv6-excluded"},
	{name: "address-all-options"},
	{name: "address-label-too-long"},
	{name: "election-preempt-delay-out-of-range"},
	{name: "election-answers-to-other-priorities"},
	{name: "election-down-timer-adverts", routers: 2, slower: 2 * time.Second},
	{name: "garp-of-all"},
	{name: "global-two-blocks"},
	{name: "group-of-other-priorities", routers: 2, differs: []difference{
		groupResigns,
		{`VRID 20 .* advertises priority 1[23]0$|^[-+]advert eth1`, "a group of ripcord's has one priority, that of its first member"},
	}},
	{name: "link-delays", slower: 5 * time.Second},
	{name: "misspelt-blocks", differs: []difference{
		{`^[-+]advert |^\+.*there is address`, "keepalived reads a block that it does not know as if there were no braces, and so loses the addresses behind it"},
	}},
	{name: "misspelt-globals"},
	{name: "misspelt-in-a-script"},
	{name: "notify-user"},
	{name: "notify-fifo"},
	{name: "notify-fifo-script", differs: []difference{
		{`fifo: INSTANCE "VI_1" MASTER_RX_LOWER_PRI`, "ripcord writes transitions only, no lower advert that an Active hears"},
	}, perhaps: []difference{
		{`^\+stopped: runs fifo: INSTANCE "VI_1" STOP`, "keepalived ends the reader, as a rule before it has read the last line"},
	}},
	{name: "route-no-track", newer: routesLeft("203")},
	{name: "route-broken"},
	{name: "route-older-words"},
	{name: "syntax-brace-on-its-own-line"},
	{name: "syntax-quotes"},
	{name: "syntax-heredoc"},
	{name: "syntax-config-id"},
	{name: "syntax-no-newline-at-the-end"},
	{name: "syntax-latin1"},
	{name: "track-process"},
	{name: "track-script-relative"},
	{name: "track-script-without-quotes"},
	{name: "track-script-with-and"},
	{name: "track-script-user"},
	{name: "track-script-user-unknown"},
	{name: "version-4"},
	{name: "product-kubernetes-api"},
	{name: "product-dns-resolver", routers: 2},
	{name: "notify-script-user-unknown"},
	{name: "multicast-group-not-used", routers: 4, still: "."},
	{name: "product-docker-image"},
	{name: "product-database-cluster"},
	{name: "product-kubernetes-controller", args: []string{"--without-lvs"}},
}

// alike are parts of lines that differ by design in every file.
var alike = []struct{ part, reason string }{
	{` metric 1048576`, "the network of an address on a macvlan is reached by the link itself first"},
}
