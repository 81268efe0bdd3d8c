package config

import (
	"net/netip"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/route"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

const ms = time.Millisecond

// documentKeys are the keys of the file itself. Defaults are read before what they
// apply to.
var documentKeys = table[document]{
	{"include", optional, value[document]{patterns.what, included},
		"Other files with the same keys, relative to this one: see [Several files](#several-files).", ""},
	{"log", optional, section(func(d *document) *Log { return &d.log }, logKeys),
		"What is logged.", ""},
	{"control", optional, section(func(d *document) *Control { return &d.control }, controlKeys),
		"Where the daemon answers `ripcord status`, the API and Prometheus.", ""},
	{"defaults", optional, value[document]{Description{Type: Map, Range: "any key of an instance"}, readDefaults},
		"Any key of an instance, for all instances that do not have it themselves.", "defaults: {interval: 100ms, preempt: false}"},
	{"links", optional, value[document]{namesOf(mapOf(linkKeys)), readLinks},
		"How single links are watched, by the name of the interface; `default` is for all others.", "links: {default: {poll: 2s}, eth1: {monitor: mii}}"},
	{"instances", required, value[document]{listOf(mapOf(instanceKeys), 1), readInstances},
		"The virtual routers.", ""},
	{"groups", optional, to(func(d *document) *[]group { return &d.groups }, each(as(mapOf(groupKeys), readGroup))),
		"Instances that change their state together.", "groups: [{name: edge, members: [inside, outside]}]"},
	{"static", optional, value[document]{mapOf(staticKeys), readStatic},
		"What is in place as long as ripcord runs, whatever the state of the instances; put back where somebody removes it.",
		"static: {addresses: [{address: 192.0.2.40/24, interface: eth0}], routes: [{to: 10.0.0.0/8, via: 192.0.2.254}]}"},
	{"checks", optional, to(func(d *document) *[]*check { return &d.checks }, each(as(mapOf(checkKeys), readCheck))),
		"What else decides whether and with which priority a router serves: tracked by instances and groups. A check runs once, however many track it.",
		"checks: [{name: web, http: {url: \"http://127.0.0.1:8080/health\"}, interval: 2s, fall: 2}]"},
	{"notify", optional, notifies(func(d *document) *Notify { return &d.notify }),
		"Commands that are run at the transitions of every instance, after its own: see [notify.md](notify.md).", ""},
	{"fifo", optional, to(func(d *document) *string { return &d.fifo }, as(pathText, absolutePath)),
		"A FIFO into which a line is written at each transition: `INSTANCE \"inside\" MASTER 150`.", "fifo: /run/ripcord/transitions"},
	{"fifo_reader", optional, value[document]{argv.what, readFIFOReader},
		"A program that reads the FIFO, run as `script_user` as long as ripcord runs; its last argument is the path.", "fifo_reader: [/usr/local/bin/read-transitions]"},
	{"startup", optional, filled(func(d *document) **Program { return &d.startup }, programKeys),
		"A program that is run as `script_user` when ripcord starts, before it takes part.", "startup: {command: [/usr/local/sbin/prepare-firewall]}"},
	{"shutdown", optional, filled(func(d *document) **Program { return &d.shutdown }, programKeys),
		"A program that is run as `script_user` when ripcord ends, after everything is resigned and removed.", ""},
	{"script_user", "ripcord", to(func(d *document) *string { return &d.scriptUser }, as(accountText, account)),
		"The user that commands run as unless they name another.", "script_user: root"},
	{"script_group", optional, to(func(d *document) *string { return &d.scriptGroup }, as(accountText, account)),
		"The group that commands run as unless they name a user. Default: that of the user.", ""},
}

var staticKeys = table[instance]{
	{"addresses", optional, to(func(i *instance) *[]held { return &i.held }, each(addressOf("addresses"))),
		"Addresses, each with its interface. They are not announced.", ""},
	{"routes", optional, to(func(i *instance) *[]routeEntry { return &i.routes }, each(as(mapOf(routeKeys), readRoute))),
		"Routes; the outgoing link of one with `via` may be left out.", ""},
	{"rules", optional, to(func(i *instance) *[]ruleEntry { return &i.rules }, each(as(mapOf(ruleKeys), readRule))),
		"Policy rules.", ""},
}

var programKeys = table[Program]{
	{"command", required, to(func(p *Program) *[]string { return &p.Argv }, argv),
		"The program, by its absolute path, and its arguments.", ""},
	{"timeout", "10s", to(func(p *Program) *time.Duration { return &p.Timeout }, duration(100*ms, time.Hour, ms)),
		"How long it may run before it is killed. ripcord waits for it.", ""},
}

var logKeys = table[Log]{
	{"level", "info", to(func(g *Log) *event.Level { return &g.Level }, choice(words[event.Level]{
		{"debug", event.Debug}, {"info", event.Info}, {"warn", event.Warn}, {"error", event.Error}})),
		"The least level of the events that are logged.", ""},
}

var controlKeys = table[Control]{
	{"socket", "/run/ripcord/ripcord.sock", to(func(c *Control) *string { return &c.Socket }, as(pathText, socketPath)),
		"The unix socket of the control API, mode 0660.", ""},
	{"listen", optional, to(func(c *Control) *string { return &c.Listen }, as(Description{Type: Text, Range: "IP address with a port, or `:` and a port", Pattern: `:[0-9]+$`}, endpoint)),
		"A TCP address for the read-only half of the API: metrics, status page, GET requests.", `listen: "192.0.2.11:9112"`},
}

var linkKeys = table[linkSettings]{
	{"monitor", "auto", to(func(s *linkSettings) *link.Mode { return &s.Monitor }, choice(words[link.Mode]{
		{"auto", link.Auto}, {"netlink", link.Netlink}, {"ethtool", link.Ethtool}, {"mii", link.ModeMII}})),
		"What tells the state of the link.", ""},
	{"confirm", "10ms", to(func(s *linkSettings) *time.Duration { return &s.Confirm }, duration(0, time.Minute, ms)),
		"How often the driver is asked for the carrier beside the kernel's notifications; 0 turns it off.", ""},
	{"poll", "1s", to(func(s *linkSettings) *time.Duration { return &s.Poll }, duration(10*ms, time.Minute, ms)),
		"The period of the MII poller where the NIC gives no notification.", ""},
	{"down_delay", "0s", to(func(s *linkSettings) *time.Duration { return &s.DownDelay }, duration(0, time.Hour, ms)),
		"Debounce: a loss counts only when it has lasted this long.", ""},
	{"up_delay", "0s", to(func(s *linkSettings) *time.Duration { return &s.UpDelay }, duration(0, time.Hour, ms)),
		"Debounce: a return counts only when it has lasted this long.", ""},
	{"recovery", optional, section(func(s *linkSettings) *vrrp.Recovery { return &s.Recovery }, recoveryKeys),
		"What a link that returned has to prove before its group leaves Fault.", ""},
}

var recoveryKeys = table[vrrp.Recovery]{
	{"adverts", "2", to(func(r *vrrp.Recovery) *int { return &r.Adverts }, number(1, 100)),
		"Adverts of the current Active to hear before the group leaves Fault.", ""},
	{"wait", "35s", to(func(r *vrrp.Recovery) *time.Duration { return &r.Wait }, duration(0, time.Hour, ms)),
		"The longest wait for proof that the segment forwards; longer than a spanning tree's 30 s. 0 asks for no proof.", ""},
}

var instanceKeys = table[instance]{
	{"name", required, to(func(i *instance) *string { return &i.Name }, as(nameText, name)),
		"The name of the instance, unique.", ""},
	{"interface", required, to(func(i *instance) *string { return &i.Interface }, as(interfaceText, advertInterface)),
		"The link that carries the adverts, by its name or an alternative one (`altname`); it need not exist yet.", ""},
	{"vrid", required, to(func(i *instance) *uint8 { return &i.VRID }, number[uint8](1, 255)),
		"The virtual router's number, unique per interface and family.", ""},
	{"family", optional, to(func(i *instance) *event.Family { return &i.Family }, choice(words[event.Family]{
		{"ipv4", event.IPv4}, {"ipv6", event.IPv6}})),
		"The family of the adverts. Default: that of `addresses`.", ""},
	{"version", "3", to(func(i *instance) *wire.Version { return &i.Version }, plain(choice(words[wire.Version]{
		{"3", wire.V3}, {"2", wire.V2}}))),
		"The version of VRRP. 2 is for IPv4 and whole seconds. Valid adverts of the other version make a Backup hold.", ""},
	{"priority", "100", to(func(i *instance) *uint8 { return &i.Priority }, number[uint8](1, vrrp.Owner)),
		"The highest priority is Active; 255 is the address owner. The same in all members of a group. `check` warns where it is left at its default.", ""},
	{"interval", "1s", to(func(i *instance) *time.Duration { return &i.Interval }, duration(10*ms, 255*time.Second, 10*ms)),
		"The time between two adverts. Version 3: 10ms to 40.95s; version 2: whole seconds, 1s to 255s.", ""},
	{"miss", "3", to(func(i *instance) *int { return &i.Miss }, number(1, 100)),
		"How many adverts may be missed before the Active counts as gone.", ""},
	{"routers", optional, to(func(i *instance) *int { return &i.Routers }, number(2, 255)),
		"How many routers share this virtual router. With 2 in all members of a group, the only Backup takes over from an Active that resigned, or lowered its priority, without waiting Skew_Time. Unknown by default; 2 with a single `unicast` peer.", "routers: 2"},
	{"preempt", "true", to(func(i *instance) *bool { return &i.Preempt }, boolean),
		"Whether to take over from an Active of lower priority.", ""},
	{"preempt_delay", "0s", to(func(i *instance) *time.Duration { return &i.PreemptDelay }, duration(0, 24*time.Hour, ms)),
		"How long after a start, or after the end of the last fault, an Active of lower priority is left alone.", ""},
	{"startup_delay", "0s", to(func(i *instance) *time.Duration { return &i.StartupDelay }, duration(0, 24*time.Hour, ms)),
		"How long after the daemon's start nothing is taken over.", ""},
	{"addresses", optional, to(func(i *instance) *[]held { return &i.held }, each(addressOf("addresses"))),
		"The virtual addresses: advertised, and held while Active. None: allowed with a warning, where something else moves the address.", "addresses: [192.0.2.1/24, {address: 192.0.2.2/24, label: \"eth0:vip\"}]"},
	{"extra_addresses", optional, to(func(i *instance) *[]held { return &i.extra }, each(addressOf("extra_addresses"))),
		"Addresses that are held while Active and not advertised; they may be of the other family.", ""},
	{"routes", optional, to(func(i *instance) *[]routeEntry { return &i.routes }, each(as(mapOf(routeKeys), readRoute))),
		"Routes that are in place while Active.", "routes: [{to: default, via: 198.51.100.254}]"},
	{"rules", optional, to(func(i *instance) *[]ruleEntry { return &i.rules }, each(as(mapOf(ruleKeys), readRule))),
		"Policy rules that are in place while Active.", "rules: [{from: 203.0.113.0/24, table: 100, priority: 500}]"},
	{"virtual_mac", "false", to(func(i *instance) *virtualMAC { return &i.virtualMAC }, as(Description{Type: Text, Range: "`true`, `false`, or the name of a link"}, readVirtualMAC)),
		"Use the virtual router's own MAC, 00:00:5e:00:01:VRID (IPv6: 00:00:5e:00:02:VRID), on a macvlan, which is called `vrrp.VRID` (IPv6: `vrrp6.VRID`) or as is said here: see [virtual-mac.md](virtual-mac.md).", ""},
	{"accept", "true", to(func(i *instance) *bool { return &i.accept }, boolean),
		"Whether hosts may talk to the addresses though this router does not own them (RFC 9568's Accept_Mode).", ""},
	{"source", optional, to(func(i *instance) *spotted { return &i.sending.source }, as(stationText, router)),
		"The source address of the adverts, on the link or on a loopback; watched: its loss is a fault. Default: the link's own address in the subnet of the peers, else of the virtual addresses, else its first; over IPv6 its link-local one.", ""},
	{"unicast", optional, value[instance]{mapOf(unicastKeys), readUnicast},
		"Send adverts to single routers instead of the multicast group.", "unicast: {peers: [192.0.2.12]}"},
	{"checksum", "auto", to(func(i *instance) *checksum { return &i.checksum }, choice(words[checksum]{
		{"auto", checksum{wire.PseudoHeader, true}},
		{"rfc9568", checksum{wire.MessageOnly, false}},
		{"pseudo-header", checksum{wire.PseudoHeader, false}}})),
		"The checksum of version 3 over IPv4; both are accepted. `auto`: with the pseudo-header until another Active is heard to use the other.", ""},
	{"auth", optional, section(func(i *instance) *authentication { return &i.auth }, authKeys),
		"How adverts are authenticated: see [authentication.md](authentication.md).", ""},
	{"announce", optional, section(func(i *instance) *addr.Announce { return &i.announce }, announceKeys),
		"How the addresses are announced by gratuitous ARP and unsolicited neighbor advertisements.", "announce: {count: 3, refresh: 60s}"},
	{"track_link", "true", to(func(i *instance) *bool { return &i.trackLink }, boolean),
		"Whether it is a fault when the instance's own link is down.", ""},
	{"track", optional, to(func(i *instance) *[]tracked { return &i.track }, each(as(mapOf(trackKeys), readTracked))),
		"Other links, and checks, on which the instance depends.", "track: [{interface: eth1, weight: -20}]"},
	{"notify", optional, notifies(func(i *instance) *Notify { return &i.notify }),
		"Commands that are run at the transitions: see [notify.md](notify.md).", "notify: {active: [/usr/local/bin/move-address, eth0]}"},
	{"fence", optional, filled(func(i *instance) **vrrp.Fence { return &i.fence }, fenceKeys),
		"What is run before a takeover from an Active that was heard and fell silent: see [fencing.md](fencing.md). Of an instance in a group, the group has it.", "fence: {command: [/usr/local/sbin/power-off-peer], timeout: 20s}"},
}

var authKeys = table[authentication]{
	{"pass", optional, to(func(a *authentication) *wire.Auth { return &a.pass }, as(Description{Type: Text, Range: "up to 8 printable characters"}, password)),
		"The simple password of version 2: clear text, a guard against accidents only.", ""},
	{"hmac", optional, value[authentication]{mapOf(hmacKeys), readHMAC},
		"Sign adverts with HMAC-SHA256-128 and believe no others.", "hmac: {keys: {1: {file: /etc/ripcord/key}}}"},
}

var hmacKeys = table[hmac]{
	{"keys", required, to(func(h *hmac) *map[uint8]wire.Secret { return &h.Keys }, as(secretsText, readSecrets)),
		"The keys, by their number (1 to 255). All are accepted.", ""},
	{"active", optional, to(func(h *hmac) *uint8 { return &h.Active }, number[uint8](1, 255)),
		"The number of the key that signs; required where there are several.", ""},
	{"mode", "enforce", to(func(h *hmac) *vrrp.AuthMode { return &h.Mode }, choice(words[vrrp.AuthMode]{
		{"receive-only", vrrp.ReceiveOnly}, {"permissive", vrrp.Permissive}, {"enforce", vrrp.Enforce}})),
		"Whether to sign, and whether unsigned adverts are believed.", ""},
	{"replay", "time", to(func(h *hmac) *bool { return &h.monotonic }, choice(words[bool]{{"time", false}, {"monotonic", true}})),
		"What keeps an old advert from being believed again: its time, or its order.", ""},
	{"window", optional, to(func(h *hmac) *time.Duration { return &h.Window }, duration(time.Second, 300*time.Second, ms)),
		"How far the time of an advert may be from ours. Default: 5s, or three intervals if that is more.", ""},
}

// secretKeys are the two forms of the digits of a key.
var secretKeys = table[string]{
	{"file", optional, to(func(s *string) *string { return s }, as(pathText, digitsOf)),
		"A file with the key in hexadecimal digits.", ""},
	{"hex", optional, to(func(s *string) *string { return s }, as(Description{Type: Text, Range: "64 to 128 hexadecimal digits", Pattern: `^[0-9A-Fa-f]{64,128}$`}, digitsIn)),
		"The key itself, 32 to 64 bytes.", ""},
}

var unicastKeys = table[sending]{
	{"peers", required, to(func(s *sending) *[]spotted { return &s.peers }, some(each(as(stationText, router)))),
		"The other routers: `run` refuses an address of its own machine, `check` only warns. Adverts of anybody else are not believed.", ""},
	{"ttl", "255", to(func(s *sending) *uint8 { return &s.ttls.TTL }, number[uint8](1, 255)),
		"The TTL or hop limit of our adverts.", ""},
	{"min_ttl", "255", to(func(s *sending) *uint8 { return &s.ttls.MinTTL }, number[uint8](1, 255)),
		"The least TTL or hop limit of theirs; 255 proves that they come from the segment itself.", ""},
}

var announceKeys = table[addr.Announce]{
	{"count", "5", to(func(a *addr.Announce) *int { return &a.Count }, number(1, 100)),
		"How often each address is announced when it is added.", ""},
	{"again_after", "5s", to(func(a *addr.Announce) *time.Duration { return &a.AgainAfter }, duration(0, time.Hour, ms)),
		"When all addresses are announced a second time; 0: not.", ""},
	{"refresh", "0s", to(func(a *addr.Announce) *time.Duration { return &a.Refresh }, duration(0, 24*time.Hour, time.Second)),
		"How often the addresses are announced as long as they are held; 0: not.", ""},
	{"spacing", "0s", to(func(a *addr.Announce) *time.Duration { return &a.Spacing }, duration(0, time.Second, 1)),
		"The least time between two announcements of one instance.", ""},
}

var addressKeys = table[held]{
	{"address", required, to(func(h *held) *netip.Prefix { return &h.Prefix }, as(prefixText, readPrefix)),
		"The address with the length of its network.", ""},
	{"interface", optional, to(func(h *held) *string { return &h.Interface }, as(interfaceText, interfaceName)),
		"The link that bears it. Default: the instance's, or its virtual MAC's.", ""},
	{"label", optional, to(func(h *held) *string { return &h.Label }, as(Description{Type: Text, Range: "up to 15 characters"}, label)),
		"The label of an IPv4 address, as `ip addr` shows it.", ""},
	{"scope", "global", to(func(h *held) *uint8 { return &h.Scope }, as(scopeText, scope)),
		"The scope of the address.", ""},
	{"broadcast", optional, to(func(h *held) *netip.Addr { return &h.Broadcast }, as(Description{Type: Text, Range: "an IPv4 address", Pattern: stationText.Pattern}, station)),
		"The broadcast address of an IPv4 address. Default: none, as `ip addr add` has it.", ""},
}

var routeKeys = table[routeEntry]{
	{"to", required, to(func(r *routeEntry) *netip.Prefix { return &r.To }, as(Description{Type: Text, Range: "a network, or `default`", Pattern: `^default$|` + prefixText.Pattern}, destination)),
		"The destination.", ""},
	{"via", optional, to(func(r *routeEntry) *netip.Addr { return &r.Via }, as(stationText, station)),
		"The gateway.", ""},
	{"interface", optional, to(func(r *routeEntry) *string { return &r.Interface }, as(interfaceText, interfaceName)),
		"The outgoing link. Default: the instance's.", ""},
	{"nexthops", optional, to(func(r *routeEntry) *[]hopEntry { return &r.hops }, some(each(as(mapOf(hopKeys), readHop)))),
		"Several gateways among which the traffic is divided, in place of `via` and `interface`.", "nexthops: [{via: 198.51.100.253}, {via: 198.51.100.254, weight: 2}]"},
	{"onlink", "false", to(func(r *routeEntry) *bool { return &r.OnLink }, boolean),
		"`via` is on the link, though no address of this machine says so.", ""},
	{"type", "unicast", to(func(r *routeEntry) *route.Type { return &r.Type }, choice(words[route.Type]{
		{"unicast", route.Unicast}, {"blackhole", route.Blackhole}, {"unreachable", route.Unreachable}, {"prohibit", route.Prohibit}, {"throw", route.Throw},
		{"local", route.Local}, {"broadcast", route.Broadcast}, {"anycast", route.Anycast}, {"multicast", route.Multicast}})),
		"What becomes of the traffic: it is forwarded, dropped without a word, refused, looked up in further tables (`throw`), taken for this machine's own (`local`), and so on, as `ip route` has it. `blackhole`, `unreachable`, `prohibit` and `throw` have no `via`, `nexthops`, `interface`, `source` and `scope`.", ""},
	{"scope", optional, value[routeEntry]{Description{Type: Number, Upto: nowhere - 1, Words: scopeText.Words}, func(l *loader, at place, r *routeEntry) (ok bool) {
		r.Scope, ok = routeScope(l, at)
		r.Scoped = ok
		return ok
	}}, "The scope of an IPv4 route. Default: as with `ip route`: `link`, `global` with `via` or `nexthops`, `host` where the type is `local`.", ""},
	{"tos", optional, to(func(r *routeEntry) *uint8 { return &r.TOS }, as(tosText, tos)),
		"The type of service of the IPv4 packets that it is for.", "tos: 0x10"},
	{"table", "main", to(func(r *routeEntry) *uint32 { return &r.Table }, as(tableText, tableOf)),
		"The routing table.", ""},
	{"metric", "0", to(func(r *routeEntry) *uint32 { return &r.Metric }, number[uint32](0, 1<<32-1)),
		"The metric; 0 is the kernel's default.", ""},
	{"source", optional, to(func(r *routeEntry) *netip.Addr { return &r.Source }, as(stationText, station)),
		"The preferred source address.", ""},
	{"preference", optional, value[routeEntry]{Description{Type: Choice, Words: []string{"low", "medium", "high"}}, func(l *loader, at place, r *routeEntry) (ok bool) {
		r.Preference, ok = preferences.read(l, at)
		r.Preferred = ok
		return ok
	}}, "The preference of an IPv6 route (RFC 4191).", ""},
	{"metrics", optional, value[routeEntry]{mapOf(metricKeys), func(l *loader, at place, r *routeEntry) bool { return metricKeys.read(l, at, &r.Metrics) != nil }},
		"What the route says of the connections that use it, as `ip route` has it.", "metrics: {mtu: 1400, lock: [mtu]}"},
}

var hopKeys = table[hopEntry]{
	{"via", optional, to(func(h *hopEntry) *netip.Addr { return &h.Via }, as(stationText, station)),
		"The gateway.", ""},
	{"interface", optional, to(func(h *hopEntry) *string { return &h.Interface }, as(interfaceText, interfaceName)),
		"The outgoing link. Default: the one that leads to `via`.", ""},
	{"weight", "1", to(func(h *hopEntry) *int { return &h.Weight }, number(1, 256)),
		"Its share of the traffic, beside those of the others.", ""},
	{"onlink", "false", to(func(h *hopEntry) *bool { return &h.OnLink }, boolean),
		"`via` is on the link, though no address of this machine says so.", ""},
}

var ruleKeys = table[ruleEntry]{
	{"from", optional, to(func(r *ruleEntry) *netip.Prefix { return &r.From }, as(networkText, network)),
		"The network of the sender.", ""},
	{"to", optional, to(func(r *ruleEntry) *netip.Prefix { return &r.To }, as(networkText, network)),
		"The network of the destination.", ""},
	{"family", optional, to(func(r *ruleEntry) *event.Family { return &r.said }, choice(words[event.Family]{
		{"ipv4", event.IPv4}, {"ipv6", event.IPv6}})),
		"The family of the traffic. Default: that of `from` or `to`, else the instance's.", ""},
	{"not", "false", to(func(r *ruleEntry) *bool { return &r.Not }, boolean),
		"The rule is for the traffic that it does not select.", ""},
	{"iif", optional, to(func(r *ruleEntry) *string { return &r.Iif }, as(interfaceText, ownName)),
		"The incoming link.", ""},
	{"oif", optional, to(func(r *ruleEntry) *string { return &r.Oif }, as(interfaceText, ownName)),
		"The link to which the sending socket is bound.", ""},
	{"tos", optional, to(func(r *ruleEntry) *uint8 { return &r.TOS }, as(tosText, tos)),
		"The type of service of the packet.", ""},
	{"ipproto", optional, to(func(r *ruleEntry) *uint8 { return &r.Protocol }, as(protocolText, ipProtocol)),
		"The protocol of the packet.", "ipproto: tcp"},
	{"sport", optional, to(func(r *ruleEntry) *route.Range { return &r.Sport }, as(portsText, portRange)),
		"The source port, or a range of ports.", "sport: 1024-65535"},
	{"dport", optional, to(func(r *ruleEntry) *route.Range { return &r.Dport }, as(portsText, portRange)),
		"The destination port, or a range of ports.", ""},
	{"uidrange", optional, value[ruleEntry]{usersText, func(l *loader, at place, r *ruleEntry) (ok bool) {
		r.UIDs, ok = userRange(l, at)
		r.UIDSaid = ok
		return ok
	}}, "The user whose socket sends, or a range of users.", "uidrange: 1000-1999"},
	{"fwmark", optional, value[ruleEntry]{Description{Type: Text, Range: "a mark, or mark/mask"}, func(l *loader, at place, r *ruleEntry) (ok bool) {
		r.Fwmark, r.Mask, ok = fwmark(l, at)
		return ok
	}}, "The firewall mark of the packet.", "fwmark: 0x1/0xff"},
	{"table", optional, to(func(r *ruleEntry) *uint32 { return &r.Table }, as(tableText, tableOf)),
		"The routing table to look up; required unless there is an `action` or `l3mdev`.", ""},
	{"l3mdev", "false", to(func(r *ruleEntry) *bool { return &r.L3MDev }, boolean),
		"Look up the table of the VRF that the traffic is of, in place of `table`.", ""},
	{"suppress_prefixlength", optional, value[ruleEntry]{number[uint32](0, 128).what, func(l *loader, at place, r *ruleEntry) (ok bool) {
		r.Suppress, ok = number[uint32](0, 128).read(l, at)
		r.SuppressSaid = ok
		return ok
	}}, "Routes of this length or a shorter one do not count: 0 leaves out the default route.", ""},
	{"action", "lookup", to(func(r *ruleEntry) *route.Action { return &r.Action }, choice(words[route.Action]{
		{"lookup", route.Lookup}, {"nop", route.GoOn}, {"goto", route.Goto},
		{"blackhole", route.DropTraffic}, {"unreachable", route.RefuseTraffic}, {"prohibit", route.ProhibitTraffic}})),
		"What is done: look up a table, nothing, go on with another rule, drop the traffic, or refuse it.", ""},
	{"goto", optional, to(func(r *ruleEntry) *uint32 { return &r.Goto }, number[uint32](1, 1<<32-1)),
		"With the action `goto`, the priority of the rule to go on with, behind this one.", ""},
	{"priority", required, to(func(r *ruleEntry) *uint32 { return &r.Priority }, number[uint32](1, 1<<32-1)),
		"The rule's place among all rules; the lowest number is looked at first.", ""},
}

var groupKeys = table[group]{
	{"name", required, to(func(g *group) *string { return &g.name }, as(nameText, name)),
		"The name of the group, unique among groups.", ""},
	{"members", required, to(func(g *group) *[]member { return &g.members }, some(each(as(Description{Type: Text, Range: "the name of an instance", Pattern: nameText.Pattern}, readMember)))),
		"The instances; each is in one group only.", ""},
	{"track", optional, to(func(g *group) *[]tracked { return &g.track }, each(as(mapOf(trackKeys), readTracked))),
		"Links and checks on which the group depends.", ""},
	{"fault", "any", to(func(g *group) *bool { return &g.faultAll }, choice(words[bool]{{"any", false}, {"all", true}})),
		"Which entries of `track` without a weight have to fail for a fault of the group. A member's own dead link always is one.", ""},
	{"last_standing", "false", to(func(g *group) *bool { return &g.lastStanding }, boolean),
		"Whether members that have no fault of their own serve, with priority 1, while the group is in Fault and nobody else serves: see [tracking.md](tracking.md#last-standing).", ""},
	{"notify", optional, notifies(func(g *group) *Notify { return &g.notify }),
		"Commands that are run at the transitions of the group.", ""},
	{"fence", optional, filled(func(g *group) **vrrp.Fence { return &g.fence }, fenceKeys),
		"What is run before a takeover from an Active that was heard and fell silent: see [fencing.md](fencing.md).", ""},
}

var fenceKeys = table[vrrp.Fence]{
	{"command", required, to(func(f *vrrp.Fence) *[]string { return &f.Argv }, argv),
		"The program, run as `script_user`; exit status 0: the other router does not serve any more.", ""},
	{"timeout", "10s", to(func(f *vrrp.Fence) *time.Duration { return &f.Timeout }, duration(100*ms, 10*time.Minute, ms)),
		"How long it may run before it is killed, which counts as failed.", ""},
	{"on_failure", "hold", to(func(f *vrrp.Fence) *bool { return &f.Proceed }, choice(words[bool]{{"hold", false}, {"proceed", true}})),
		"Whether to stay Backup where it fails or cannot be run, or to take over all the same.", ""},
}

var trackKeys = table[tracked]{
	{"interface", optional, to(func(t *tracked) *string { return &t.link }, as(interfaceText, interfaceName)),
		"A link that has to be up. Either this or `check`.", ""},
	{"check", optional, to(func(t *tracked) *string { return &t.check }, as(Description{Type: Text, Range: "the name of a check", Pattern: nameText.Pattern}, name)),
		"A check that has to pass.", ""},
	{"weight", "none", to(func(t *tracked) *int { return &t.weight }, as(weightText, readWeight)),
		"Positive: added to the priority while it is up or passes; negative: taken from it while it is not. `none`: its failure is a fault. Default: that of the check, or `none`.", ""},
	{"reverse", "false", to(func(t *tracked) *bool { return &t.reverse }, boolean),
		"Count the other state: the weight while it is down or fails (negative: while it is up or passes), and without a weight a fault while it is up.", ""},
}

var checkKeys = table[check]{
	{"name", required, to(func(c *check) *string { return &c.Name }, as(nameText, name)),
		"The name of the check, unique among checks.", ""},
	{"interval", "1s", to(func(c *check) *time.Duration { return &c.Interval }, duration(10*ms, 24*time.Hour, ms)),
		"The time from one run to the next. A run that takes longer delays the next.", ""},
	{"timeout", optional, to(func(c *check) *time.Duration { return &c.Timeout }, duration(10*ms, 24*time.Hour, ms)),
		"How long a run may take before it counts as failed. Default: `interval`.", ""},
	{"rise", "1", to(func(c *check) *int { return &c.Rise }, number(1, 1000)),
		"How many runs have to pass in a row before the check passes.", ""},
	{"fall", "1", to(func(c *check) *int { return &c.Fall }, number(1, 1000)),
		"How many runs have to fail in a row before the check fails.", ""},
	{"weight", "none", to(func(c *check) *int { return &c.weight }, as(weightText, readWeight)),
		"The weight where an entry of `track` has none itself.", ""},
	{"initial", "wait", to(func(c *check) *track.Initial { return &c.Initial }, choice(words[track.Initial]{{"wait", track.Wait}, {"pass", track.Pass}, {"fail", track.Fail}})),
		"What the check counts as before its first result. `wait`: instances that track it stay in Initialize. With `wait` and `pass` the first result decides alone, with `fail` it takes `rise` of them.", ""},
	{"command", optional, to(func(c *check) *[]string { return &c.command }, argv),
		"A program that exits with status 0. Of `command`, `process`, `file`, `tcp`, `http` and `ping` a check has exactly one.", "command: [/usr/bin/systemctl, is-active, nginx]"},
	{"user", optional, to(func(c *check) *string { return &c.User }, as(accountText, account)),
		"The user that `command` runs as. Default: `script_user`.", ""},
	{"group", optional, to(func(c *check) *string { return &c.Group }, as(accountText, account)),
		"The group that `command` runs as. Default: that of the user.", ""},
	{"process", optional, filled(func(c *check) **track.Process { return &c.process }, processKeys),
		"Processes that have to run.", "process: {name: nginx}"},
	{"file", optional, filled(func(c *check) **track.File { return &c.file }, fileKeys),
		"A file with a whole number, which is added to the priority.", "file: {path: /run/demote}"},
	{"tcp", optional, filled(func(c *check) **track.TCP { return &c.tcp }, tcpKeys),
		"A TCP port that has to accept a connection.", "tcp: {address: \"127.0.0.1:443\"}"},
	{"http", optional, filled(func(c *check) **track.HTTP { return &c.http }, httpKeys),
		"A URL that has to answer.", "http: {url: \"http://127.0.0.1:8080/health\"}"},
	{"ping", optional, filled(func(c *check) **track.Ping { return &c.ping }, pingKeys),
		"A station that has to answer.", "ping: {address: 198.51.100.254}"},
}

var processKeys = table[track.Process]{
	{"name", required, to(func(p *track.Process) *string { return &p.Name }, as(Description{Type: Text, Range: "the name of a process"}, processName)),
		"The name of the process, or the path of its program.", ""},
	{"match", "exact", to(func(p *track.Process) *bool { return &p.Part }, choice(words[bool]{{"exact", false}, {"part", true}})),
		"`part`: it is enough that the name stands in that of the process, as with pgrep.", ""},
	{"min", "1", to(func(p *track.Process) *int { return &p.Min }, number(0, pidMax)),
		"The least number of processes with which the check passes.", ""},
	{"max", "inf", to(func(p *track.Process) *int { return &p.Max }, as(Description{Type: Number, From: 1, Upto: pidMax, Words: []string{"inf"}}, mostProcesses)),
		"The largest number of processes with which the check passes.", ""},
}

var fileKeys = table[track.File]{
	{"path", required, to(func(f *track.File) *string { return &f.Path }, as(pathText, absolutePath)),
		"The file. It need not exist yet, and counts as 0 then.", ""},
	{"weight", "1", to(func(f *track.File) *int { return &f.Weight }, number(-mostWeight, mostWeight)),
		"What the number is multiplied with. 0: any other number than 0 is a fault.", ""},
}

var tcpKeys = table[track.TCP]{
	{"address", required, to(func(t *track.TCP) *string { return &t.Address }, as(Description{Type: Text, Range: "IP address with a port", Pattern: `:[0-9]+$`}, target)),
		"Where to connect.", "address: \"[2001:db8::80]:443\""},
}

var httpKeys = table[track.HTTP]{
	{"url", required, to(func(h *track.HTTP) *string { return &h.URL }, as(Description{Type: Text, Range: "an `http` or `https` URL", Pattern: `^[Hh][Tt][Tt][Pp][Ss]?://`}, webAddress)),
		"What to get. Redirections are not followed.", ""},
	{"status", "200-399", to(func(h *track.HTTP) *[]track.StatusRange { return &h.Status }, as(statusesText, statuses)),
		"The statuses with which the check passes.", "status: [200-299, 401]"},
	{"contains", optional, to(func(h *track.HTTP) *string { return &h.Contains }, as(Description{Type: Text}, someText)),
		"What the answer has to contain.", ""},
	{"insecure", "false", to(func(h *track.HTTP) *bool { return &h.Insecure }, boolean),
		"Do not verify the certificate.", ""},
}

var pingKeys = table[track.Ping]{
	{"address", required, to(func(p *track.Ping) *netip.Addr { return &p.Address }, as(stationText, station)),
		"The station.", ""},
	{"interface", optional, to(func(p *track.Ping) *string { return &p.Interface }, as(interfaceText, interfaceName)),
		"The link to ask on; required with `arp`, and for a link-local address.", ""},
	{"method", "icmp", to(func(p *track.Ping) *track.Method { return &p.Method }, choice(words[track.Method]{{"icmp", track.ICMP}, {"arp", track.Neighbor}})),
		"How to ask: by ICMP echo, or by ARP or neighbor discovery, which stations answer that drop ICMP.", ""},
}

var notifyKeys = table[Notify]{
	{"active", optional, to(func(n *Notify) *[]string { return &n.Active }, argv),
		"Run when the state becomes Active.", ""},
	{"backup", optional, to(func(n *Notify) *[]string { return &n.Backup }, argv),
		"Run when the state becomes Backup.", ""},
	{"fault", optional, to(func(n *Notify) *[]string { return &n.Fault }, argv),
		"Run when the state becomes Fault.", ""},
	{"stop", optional, to(func(n *Notify) *[]string { return &n.Stop }, argv),
		"Run when ripcord ends; waited for at most 5 s.", ""},
	{"any", optional, to(func(n *Notify) *[]string { return &n.Any }, argv),
		"Run at each of these, after the command for the state, with four more arguments: `INSTANCE` or `GROUP`, the name, `MASTER`, `BACKUP`, `FAULT` or `STOP`, and the priority.", ""},
	{"timeout", "60s", to(func(n *Notify) *time.Duration { return &n.Timeout }, duration(100*ms, time.Hour, ms)),
		"How long a command may run before it is killed.", ""},
	{"user", optional, to(func(n *Notify) *string { return &n.User }, as(accountText, account)),
		"The user that these commands run as. Default: `script_user`.", ""},
	{"group", optional, to(func(n *Notify) *string { return &n.Group }, as(accountText, account)),
		"The group that these commands run as. Default: that of the user.", ""},
}

// The descriptions that several keys share.
var (
	nameText      = Description{Type: Text, Range: "text without double quotes", Pattern: namePattern.String()}
	interfaceText = Description{Type: Text, Range: "the name of an interface", Pattern: `^[^ /:]{1,127}$`}
	stationText   = Description{Type: Text, Range: "an IP address", Pattern: `^[0-9A-Fa-f.:]*[.:][0-9A-Fa-f.:]*$`}
	prefixText    = Description{Type: Text, Range: "an address with the length of its network", Pattern: `^[0-9A-Fa-f.:]+/[0-9]+$`}
	networkText   = Description{Type: Text, Range: "a network", Pattern: prefixText.Pattern}
	pathText      = Description{Type: Text, Range: "absolute path", Pattern: `^/`}
	accountText   = Description{Type: Text, Range: "the name or number of an account", Pattern: accountPattern.String()}
	weightText    = Description{Type: Number, From: -mostWeight, Upto: mostWeight, Words: []string{"none"}}
	statusText    = Description{Type: Number, From: 100, Upto: 599, Range: "a status or a range of them", Pattern: `^[1-5][0-9]{2}(-[1-5][0-9]{2})?$`}
	statusesText  = Description{Type: List, Items: &statusText, Least: 1, Short: &statusText}
	scopeText     = Description{Type: Number, Upto: nowhere, Words: []string{"global", "site", "link", "host"}}
	secretsText   = Description{Type: Map, Items: new(mapOf(secretKeys)), Least: 1, Pattern: `^[1-9][0-9]{0,2}$`}
	tosText       = Description{Type: Number, Range: "0 to 255, or 0x00 to 0xff", Upto: 255, Pattern: `^0x[0-9A-Fa-f]{1,2}$`}
	protocolText  = Description{Type: Number, From: 1, Upto: 255, Words: protocolNames()}
	portsText     = Description{Type: Number, From: 1, Upto: 65535, Range: "a port, or a range of ports", Pattern: `^[0-9]{1,5}-[0-9]{1,5}$`}
	usersText     = Description{Type: Number, Upto: 1<<32 - 1, Range: "the number of a user, or a range", Pattern: `^[0-9]{1,10}-[0-9]{1,10}$`}
	tableText     = Description{Type: Number, From: 1, Upto: 1<<32 - 1, Words: []string{"main", "default"}}
)
