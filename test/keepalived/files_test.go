package keepalived

import "time"

// file is one of the corpus, and what is known of it.
type file struct {
	name     string
	routers  int           // virtual ones; 0: 1
	interval time.Duration // of its adverts; 0: 1 s
	slower   time.Duration // how much longer than the protocol's a takeover takes
	quiet    bool          // a router that could be Active is not, or does not yield
	args     []string      // that ripcord needs beside
	differs  []difference
}

// difference is one between the two that has its reason.
type difference struct {
	lines  string // an expression for lines of what was seen, of keepalived (-) or ripcord (+)
	reason string
}

// groupResigns is how ripcord's groups yield.
var groupResigns = difference{
	`^[-+]against (a higher|an equal) priority: VRID 20 .* (resigns|is silent)$`,
	"where one member yields, ripcord's other members resign, and the peer takes over the whole group at once",
}

// files are those that both are started from.
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
	{name: "election-priority-300"},
	{name: "election-nopreempt", quiet: true},
	{name: "election-nopreempt-with-master"},
	{name: "election-preempt-delay", slower: 2 * time.Second},
	{name: "election-preempt-delay-with-master"},
	{name: "election-state-slave"},
	{name: "election-state-in-small-letters", quiet: true},
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
	{name: "auth-pass-escaped", differs: []difference{
		{`^[-+]advert `, "keepalived 2.2.7 ends the word at the escape; later ones resolve it, as ripcord does"},
	}},
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
	{name: "address-given-twice", differs: []difference{
		{`^[-+]advert `, "keepalived advertises the address twice"},
	}},
	{name: "address-in-repeated-blocks"},
	{name: "address-not-an-address"},
	{name: "address-prefix-too-long"},
	{name: "address-several-on-one-line"},
	{name: "address-ipv6-without-link-local"},
	{name: "address-ipv6-without-prefix"},
	{name: "address-ipv6-flags", differs: []difference{
		{`there is address eth0 inet6 2001:db8:51::10[013]/64 `, "-nodad, home and noprefixroute: ripcord's addresses have no such flags"},
	}},
	{name: "route-of-all-kinds"},
	{name: "route-default"},
	{name: "route-default-by-name"},
	{name: "route-table-and-metric"},
	{name: "route-blackhole"},
	{name: "route-ipv6"},
	{name: "rule-from-and-to"},
	{name: "rule-mark-and-interface"},
	{name: "rule-without-priority"},
	{name: "rule-ipv6"},
	{name: "track-script-positive-weight"},
	{name: "track-script-positive-weight-failing"},
	{name: "track-script-negative-weight"},
	{name: "track-script-without-weight"},
	{name: "track-script-without-weight-failing", quiet: true},
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
	{name: "track-script-with-a-pipe"},
	{name: "track-script-of-a-shell"},
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
	{name: "notify-arguments"},
	{name: "notify-without-quotes"},
	{name: "notify-script-user"},
	{name: "notify-with-a-pipe"},
	{name: "unicast-pair"},
	{name: "unicast-without-source"},
	{name: "unicast-source-without-peers"},
	{name: "unicast-three-routers"},
	{name: "unicast-ttl", quiet: true, differs: []difference{
		{`^[-+]against .* priority: `, "max_ttl: keepalived rejects the rival's adverts and may fall silent for them, ripcord knows no greatest TTL and says so"},
	}},
	{name: "unicast-version-3"},
	{name: "unicast-ipv6"},
	{name: "unicast-itself-among-the-peers"},
	{name: "multicast-source"},
	{name: "garp-interval-zero"},
	{name: "vmac-plain"},
	{name: "vmac-name-and-base", differs: []difference{
		{`^[-+]advert `, "vmac_xmit_base: ripcord's adverts come from the virtual MAC all the same (RFC 9568 §7.3)"},
	}},
	{name: "vmac-of-ipv6", differs: []difference{
		{`there is address vrrp6?\.66 `, "keepalived 2.2.7 calls it vrrp.66, later ones vrrp6.66 as ripcord does; and keepalived adds the link's own address to it"},
	}},
	{name: "group-pair", routers: 2, differs: []difference{groupResigns}},
	{name: "group-after-its-instances", routers: 2, differs: []difference{groupResigns}},
	{name: "group-and-notify-of-members", routers: 2, differs: []difference{groupResigns}},
	{name: "group-unknown-member", routers: 2},
	{name: "group-member-weights", routers: 2, differs: []difference{groupResigns}},
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
	{name: "product-octavia", differs: []difference{
		{`there is route default via 198\.51\.100\.254 dev eth1 table 1`, "the route is placed without onlink, as ripcord says"},
	}},
	{name: "product-openwrt", slower: 3 * time.Second, differs: []difference{
		{`^-.*there is address eth0 inet 192\.0\.2\.40/24`, "static_ipaddress: ripcord keeps nothing in place that is independent of an instance, and says so"},
	}},
	{name: "product-proxy-ipv6-excluded"},
}

// alike are parts of lines in which the two differ by design in every file.
var alike = []struct{ part, reason string }{
	{` deprecated$`, "no connection of ripcord's router comes from a virtual IPv6 address; with keepalived from none without a prefix length"},
	{` metric 1048576`, "the network of an address on a macvlan is reached by the link itself first"},
}
