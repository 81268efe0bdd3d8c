package config

import (
	"net/netip"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/config/files"
	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/config/value"
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
var documentKeys = schema.Table[document]{
	{"include", schema.Optional, schema.Into(files.Patterns.What, included),
		"Other files with the same keys, relative to this one: see [Several files](#several-files).", ""},
	{"log", schema.Optional, schema.Section(func(d *document) *Log { return &d.log }, logKeys),
		"What is logged.", ""},
	{"control", schema.Optional, schema.Section(func(d *document) *Control { return &d.control }, controlKeys),
		"Where the daemon answers `ripcord status`, the API and Prometheus.", ""},
	{"defaults", schema.Optional, schema.Into(schema.Description{Type: schema.TypeMap, Range: "any key of an instance"}, readDefaults),
		"Any key of an instance, for all instances that do not have it themselves.", "defaults: {interval: 100ms, preempt: false}"},
	{"links", schema.Optional, schema.Into(schema.NamesOf(schema.MapOf(linkKeys)), readLinks),
		"How single links are watched, by the name of the interface; `default` is for all others.", "links: {default: {poll: 2s}, eth1: {monitor: mii}}"},
	{"instances", schema.Required, schema.Into(schema.ListOf(schema.MapOf(instanceKeys), 1), readInstances),
		"The virtual routers.", ""},
	{"groups", schema.Optional, schema.To(func(d *document) *[]group { return &d.groups }, schema.Each(schema.As(schema.MapOf(groupKeys), readGroup))),
		"Instances that change their state together.", "groups: [{name: edge, members: [inside, outside]}]"},
	{"static", schema.Optional, schema.Into(schema.MapOf(staticKeys), readStatic),
		"What is in place as long as ripcord runs, whatever the state of the instances; put back where somebody removes it.",
		"static: {addresses: [{address: 192.0.2.40/24, interface: eth0}], routes: [{to: 10.0.0.0/8, via: 192.0.2.254}]}"},
	{"checks", schema.Optional, schema.To(func(d *document) *[]*check { return &d.checks }, schema.Each(schema.As(schema.MapOf(checkKeys), readCheck))),
		"What else decides whether and with which priority a router serves: tracked by instances and groups. A check runs once, however many track it.",
		"checks: [{name: web, http: {url: \"http://127.0.0.1:8080/health\"}, interval: 2s, fall: 2}]"},
	{"notify", schema.Optional, notifies(func(d *document) *Notify { return &d.notify }),
		"Commands that are run at the transitions of every instance, after its own: see [notify.md](notify.md).", ""},
	{"fifo", schema.Optional, schema.To(func(d *document) *string { return &d.fifo }, schema.As(pathText, value.Path)),
		"A FIFO into which a line is written at each transition: `INSTANCE \"inside\" MASTER 150`.", "fifo: /run/ripcord/transitions"},
	{"fifo_reader", schema.Optional, schema.Into(ownCommand().What, readFIFOReader),
		"A program that reads the FIFO, run as `script_user` or as its own user as long as ripcord runs; its last argument is the path.", "fifo_reader: [/usr/local/bin/read-transitions]"},
	{"fifo_user", schema.Optional, schema.To(func(d *document) *string { return &d.fifoUser }, schema.As(accountText, value.Account)),
		"The user for whom the FIFO is: the group of that user may read it. Default: that of `fifo_reader`, or `script_user`.", ""},
	{"fifo_group", schema.Optional, schema.To(func(d *document) *string { return &d.fifoGroup }, schema.As(accountText, value.Account)),
		"The group that may read the FIFO. Default: that of the user for whom it is.", ""},
	{"startup", schema.Optional, schema.Filled(func(d *document) **Program { return &d.startup }, programKeys),
		"A program that is run when ripcord starts, before it takes part.", "startup: {command: [/usr/local/sbin/prepare-firewall]}"},
	{"shutdown", schema.Optional, schema.Filled(func(d *document) **Program { return &d.shutdown }, programKeys),
		"A program that is run when ripcord ends, after everything is resigned and removed.", ""},
	{"script_user", "ripcord", schema.To(func(d *document) *string { return &d.scriptUser }, schema.As(accountText, value.Account)),
		"The user that commands run as unless they name another.", "script_user: root"},
	{"script_group", schema.Optional, schema.To(func(d *document) *string { return &d.scriptGroup }, schema.As(accountText, value.Account)),
		"The group that commands run as unless they name a user. Default: that of the user.", ""},
}

var staticKeys = schema.Table[instance]{
	{"addresses", schema.Optional, schema.To(func(i *instance) *[]held { return &i.held }, schema.Each(addressOf("addresses"))),
		"Addresses, each with its interface. They are not announced.", ""},
	{"routes", schema.Optional, schema.To(func(i *instance) *[]routeEntry { return &i.routing.routes }, schema.Each(schema.As(schema.MapOf(routeKeys), readRoute))),
		"Routes; the outgoing link of one with `via` may be left out.", ""},
	{"rules", schema.Optional, schema.To(func(i *instance) *[]ruleEntry { return &i.routing.rules }, schema.Each(schema.As(schema.MapOf(ruleKeys), readRule))),
		"Policy rules.", ""},
}

var programKeys = schema.Table[Program]{
	{"command", schema.Required, schema.To(func(p *Program) *[]string { return &p.Argv }, value.Argv),
		"The program, by its absolute path, and its arguments.", ""},
	{"timeout", "10s", schema.To(func(p *Program) *time.Duration { return &p.Timeout }, schema.Duration(100*ms, time.Hour, ms)),
		"How long it may run before it is killed. ripcord waits for it.", ""},
	{"user", schema.Optional, schema.To(func(p *Program) *string { return &p.User }, schema.As(accountText, value.Account)),
		"The user that it runs as. Default: `script_user`.", ""},
	{"group", schema.Optional, schema.To(func(p *Program) *string { return &p.Group }, schema.As(accountText, value.Account)),
		"The group that it runs as. Default: that of the user.", ""},
}

var logKeys = schema.Table[Log]{
	{"level", "info", schema.To(func(g *Log) *event.Level { return &g.Level }, schema.Choice(schema.Words[event.Level]{
		{"debug", event.Debug}, {"info", event.Info}, {"warn", event.Warn}, {"error", event.Error}})),
		"The least level of the events that are logged.", ""},
}

var controlKeys = schema.Table[Control]{
	{"socket", "/run/ripcord/ripcord.sock", schema.To(func(c *Control) *string { return &c.Socket }, schema.As(pathText, value.SocketPath)),
		"The unix socket of the control API, mode 0660.", ""},
	{"listen", schema.Optional, schema.To(func(c *Control) *string { return &c.Listen }, schema.As(schema.Description{Type: schema.TypeText, Range: "IP address with a port, or `:` and a port", Pattern: `:[0-9]+$`}, value.Endpoint)),
		"A TCP address for the read-only half of the API: metrics, status page, GET requests.", `listen: "192.0.2.11:9112"`},
}

var linkKeys = schema.Table[linkSettings]{
	{"monitor", "auto", schema.To(func(s *linkSettings) *link.Mode { return &s.Monitor }, schema.Choice(schema.Words[link.Mode]{
		{"auto", link.Auto}, {"netlink", link.Netlink}, {"ethtool", link.Ethtool}, {"mii", link.ModeMII}})),
		"What tells the state of the link.", ""},
	{"confirm", "10ms", schema.To(func(s *linkSettings) *time.Duration { return &s.Confirm }, schema.Duration(0, time.Minute, ms)),
		"How often the driver is asked for the carrier beside the kernel's notifications; 0 turns it off.", ""},
	{"poll", "1s", schema.To(func(s *linkSettings) *time.Duration { return &s.Poll }, schema.Duration(10*ms, time.Minute, ms)),
		"The period of the MII poller where the NIC gives no notification, and at which the driver is asked where `hint` is enough.", ""},
	{"hint", "auto", schema.To(func(s *linkSettings) *bool { return &s.Hint }, schema.Choice(schema.Words[bool]{{"auto", true}, {"off", false}})),
		"`auto` has the kernel report each change of its carrier flag at once, by eBPF, where it can be had to: the driver is asked then, and where that is enough no more often than at `poll`. `off` does without.", ""},
	{"down_delay", "0s", schema.To(func(s *linkSettings) *time.Duration { return &s.DownDelay }, schema.Duration(0, time.Hour, ms)),
		"Debounce: a loss counts only when it has lasted this long.", ""},
	{"up_delay", "0s", schema.To(func(s *linkSettings) *time.Duration { return &s.UpDelay }, schema.Duration(0, time.Hour, ms)),
		"Debounce: a return counts only when it has lasted this long.", ""},
	{"recovery", schema.Optional, schema.Section(func(s *linkSettings) *vrrp.Recovery { return &s.Recovery }, recoveryKeys),
		"What a link that returned has to prove before its group leaves Fault.", ""},
}

var recoveryKeys = schema.Table[vrrp.Recovery]{
	{"adverts", "2", schema.To(func(r *vrrp.Recovery) *int { return &r.Adverts }, schema.Number(1, 100)),
		"Adverts of the current Active to hear before the group leaves Fault.", ""},
	{"wait", "35s", schema.To(func(r *vrrp.Recovery) *time.Duration { return &r.Wait }, schema.Duration(0, time.Hour, ms)),
		"The longest wait for proof that the segment forwards; longer than a spanning tree's 30 s. 0 asks for no proof.", ""},
}

var instanceKeys = schema.Table[instance]{
	{"name", schema.Required, schema.To(func(i *instance) *string { return &i.Name }, schema.As(nameText, value.Name)),
		"The name of the instance, unique.", ""},
	{"interface", schema.Required, schema.To(func(i *instance) *string { return &i.Interface }, schema.As(interfaceText, value.AdvertInterface)),
		"The link that carries the adverts, by its name or an alternative one (`altname`); it need not exist yet.", ""},
	{"vrid", schema.Required, schema.To(func(i *instance) *uint8 { return &i.VRID }, schema.Number[uint8](1, 255)),
		"The virtual router's number, unique per interface and family among the instances with the same `unicast` peers, or none.", ""},
	{"family", schema.Optional, schema.To(func(i *instance) *event.Family { return &i.Family }, schema.Choice(schema.Words[event.Family]{
		{"ipv4", event.IPv4}, {"ipv6", event.IPv6}})),
		"The family of the adverts. Default: that of `addresses`.", ""},
	{"version", "3", schema.To(func(i *instance) *wire.Version { return &i.Version }, schema.Plain(schema.Choice(schema.Words[wire.Version]{
		{"3", wire.V3}, {"2", wire.V2}}))),
		"The version of VRRP. 2 is for IPv4 and whole seconds. Valid adverts of the other version make a Backup hold.", ""},
	{"priority", "100", schema.To(func(i *instance) *uint8 { return &i.Priority }, schema.Number[uint8](1, vrrp.Owner)),
		"The highest priority is Active; 255 is the address owner. The same in all members of a group. `check` warns where it is left at its default.", ""},
	{"interval", "1s", schema.To(func(i *instance) *time.Duration { return &i.Interval }, schema.Duration(10*ms, 255*time.Second, 10*ms)),
		"The time between two adverts. Version 3: 10ms to 40.95s; version 2: whole seconds, 1s to 255s.", ""},
	{"miss", "3", schema.To(func(i *instance) *int { return &i.Miss }, schema.Number(1, 100)),
		"How many adverts may be missed before the Active counts as gone.", ""},
	{"routers", schema.Optional, schema.To(func(i *instance) *int { return &i.Routers }, schema.Number(2, 255)),
		"How many routers share this virtual router. With 2 in all members of a group, the only Backup takes over from an Active that resigned, or lowered its priority, without waiting Skew_Time. Unknown by default; 2 with a single `unicast` peer.", "routers: 2"},
	{"probe", schema.Optional, schema.Filled(func(i *instance) **vrrp.Watching { return &i.probe }, probeKeys),
		"Watch the machine of the Active by ARP or neighbor discovery, and take over as soon as it is dead, before adverts are missed: see [probe.md](probe.md). Off by default; not in use over `unicast` with a `min_ttl` below 255.", "probe: {interval: 50ms, miss: 3}"},
	{"preempt", "true", schema.To(func(i *instance) *bool { return &i.Preempt }, schema.Boolean),
		"Whether to take over from an Active of lower priority.", ""},
	{"preempt_delay", "0s", schema.To(func(i *instance) *time.Duration { return &i.PreemptDelay }, schema.Duration(0, 24*time.Hour, ms)),
		"How long after a start, or after the end of the last fault, an Active of lower priority is left alone.", ""},
	{"filter", "auto", schema.To(func(i *instance) *bool { return &i.ReadsEach }, schema.Choice(schema.Words[bool]{{"auto", false}, {"off", true}})),
		"`auto` has the kernel count the adverts that repeat the last one of the Active, by eBPF, where it can be had to and while that changes nothing: see [protocol.md](protocol.md#filter). `off` has each one read.", ""},
	{"startup_delay", "0s", schema.To(func(i *instance) *time.Duration { return &i.StartupDelay }, schema.Duration(0, 24*time.Hour, ms)),
		"How long after the daemon's start nothing is taken over.", ""},
	{"addresses", schema.Optional, schema.To(func(i *instance) *[]held { return &i.held }, schema.Each(addressOf("addresses"))),
		"The virtual addresses: advertised, and held while Active. None: allowed with a warning, where something else moves the address.", "addresses: [192.0.2.1/24, {address: 192.0.2.2/24, label: \"eth0:vip\"}]"},
	{"extra_addresses", schema.Optional, schema.To(func(i *instance) *[]held { return &i.extra }, schema.Each(addressOf("extra_addresses"))),
		"Addresses that are held while Active and not advertised; they may be of the other family.", ""},
	{"routes", schema.Optional, schema.To(func(i *instance) *[]routeEntry { return &i.routing.routes }, schema.Each(schema.As(schema.MapOf(routeKeys), readRoute))),
		"Routes that are in place while Active.", "routes: [{to: default, via: 198.51.100.254}]"},
	{"rules", schema.Optional, schema.To(func(i *instance) *[]ruleEntry { return &i.routing.rules }, schema.Each(schema.As(schema.MapOf(ruleKeys), readRule))),
		"Policy rules that are in place while Active.", "rules: [{from: 203.0.113.0/24, table: 100, priority: 500}]"},
	{"virtual_mac", "false", schema.To(func(i *instance) *virtualMAC { return &i.virtualMAC }, schema.As(schema.Description{Type: schema.TypeText, Range: "`true`, `false`, or the name of a link"}, readVirtualMAC)),
		"Use the virtual router's own MAC, 00:00:5e:00:01:VRID (IPv6: 00:00:5e:00:02:VRID), on a macvlan, which is called `vrrp.VRID` (IPv6: `vrrp6.VRID`) or as is said here: see [virtual-mac.md](virtual-mac.md).", ""},
	{"virtual_mac_adverts", "true", schema.To(func(i *instance) *bool { return &i.macAdverts }, schema.Boolean),
		"Whether the adverts leave from the virtual MAC, too. `false`: from the interface's own, as with keepalived's `vmac_xmit_base`.", ""},
	{"accept", "true", schema.To(func(i *instance) *bool { return &i.accept }, schema.Boolean),
		"Whether hosts may talk to the addresses though this router does not own them (RFC 9568's Accept_Mode).", ""},
	{"source", schema.Optional, schema.To(func(i *instance) *spotted { return &i.sending.source }, schema.As(stationText, router)),
		"The source address of the adverts, on the link or on a loopback; watched: its loss is a fault. Default: the link's own address in the subnet of the peers, else of the virtual addresses, else its first; over IPv6 its link-local one.", ""},
	{"track_source", "true", schema.To(func(i *instance) *bool { return &i.trackSource }, schema.Boolean),
		"Whether it is a fault that `source` is not on this machine. `false`: adverts leave from it all the same, by multicast over IPv4.", ""},
	{"unicast", schema.Optional, schema.Into(schema.MapOf(unicastKeys), readUnicast),
		"Send adverts to single routers instead of the multicast group.", "unicast: {peers: [192.0.2.12]}"},
	{"checksum", "auto", schema.To(func(i *instance) *checksum { return &i.checksum }, schema.Choice(schema.Words[checksum]{
		{"auto", checksum{wire.PseudoHeader, true}},
		{"rfc9568", checksum{wire.MessageOnly, false}},
		{"pseudo-header", checksum{wire.PseudoHeader, false}}})),
		"The checksum of version 3 over IPv4; both are accepted. `auto`: with the pseudo-header until another Active is heard to use the other.", ""},
	{"auth", schema.Optional, schema.Section(func(i *instance) *authentication { return &i.auth }, authKeys),
		"How adverts are authenticated: see [authentication.md](authentication.md).", ""},
	{"announce", schema.Optional, schema.Section(func(i *instance) *addr.Announce { return &i.announce }, announceKeys),
		"How the addresses are announced by gratuitous ARP and unsolicited neighbor advertisements.", "announce: {count: 3, refresh: 60s}"},
	{"track_link", "true", schema.To(func(i *instance) *bool { return &i.trackLink }, schema.Boolean),
		"Whether it is a fault when the instance's own link is down.", ""},
	{"track", schema.Optional, schema.To(func(i *instance) *[]tracked { return &i.track }, schema.Each(schema.As(schema.MapOf(trackKeys), readTracked))),
		"Other links, and checks, on which the instance depends.", "track: [{interface: eth1, weight: -20}]"},
	{"notify", schema.Optional, notifies(func(i *instance) *Notify { return &i.notify }),
		"Commands that are run at the transitions: see [notify.md](notify.md).", "notify: {active: [/usr/local/bin/move-address, eth0]}"},
	{"fence", schema.Optional, schema.Filled(func(i *instance) **vrrp.Fence { return &i.fence }, fenceKeys),
		"What is run before a takeover from an Active that was heard and fell silent: see [fencing.md](fencing.md). Of an instance in a group, the group has it.", "fence: {command: [/usr/local/sbin/power-off-peer], timeout: 20s}"},
}

var probeKeys = schema.Table[vrrp.Watching]{
	{"interval", "50ms", schema.To(func(w *vrrp.Watching) *time.Duration { return &w.Interval }, schema.Duration(0, time.Minute, ms)),
		"How often the Active's address is asked, at most each 20ms; 0: not at all, where `defaults` has it.", ""},
	{"miss", "3", schema.To(func(w *vrrp.Watching) *int { return &w.Miss }, schema.Number(2, 100)),
		"How many questions in a row may go unanswered before its machine counts as dead.", ""},
}

var authKeys = schema.Table[authentication]{
	{"pass", schema.Optional, schema.To(func(a *authentication) *wire.Auth { return &a.pass }, schema.As(schema.Description{Type: schema.TypeText, Range: "up to 8 characters"}, value.Password)),
		"The simple password of version 2: clear text, a guard against accidents only.", ""},
	{"hmac", schema.Optional, schema.Into(schema.MapOf(hmacKeys), readHMAC),
		"Sign adverts with HMAC-SHA256-128 and believe no others.", "hmac: {keys: {1: {file: /etc/ripcord/key}}}"},
}

var hmacKeys = schema.Table[hmac]{
	{"keys", schema.Required, schema.To(func(h *hmac) *map[uint8]wire.Secret { return &h.Keys }, schema.As(secretsText, readSecrets)),
		"The keys, by their number (1 to 255). All are accepted.", ""},
	{"active", schema.Optional, schema.To(func(h *hmac) *uint8 { return &h.Active }, schema.Number[uint8](1, 255)),
		"The number of the key that signs; required where there are several.", ""},
	{"mode", "enforce", schema.To(func(h *hmac) *vrrp.AuthMode { return &h.Mode }, schema.Choice(schema.Words[vrrp.AuthMode]{
		{"receive-only", vrrp.ReceiveOnly}, {"permissive", vrrp.Permissive}, {"enforce", vrrp.Enforce}})),
		"Whether to sign, and whether unsigned adverts are believed.", ""},
	{"replay", "time", schema.To(func(h *hmac) *bool { return &h.monotonic }, schema.Choice(schema.Words[bool]{{"time", false}, {"monotonic", true}})),
		"What keeps an old advert from being believed again: its time, or its order.", ""},
	{"window", schema.Optional, schema.To(func(h *hmac) *time.Duration { return &h.Window }, schema.Duration(time.Second, 300*time.Second, ms)),
		"How far the time of an advert may be from ours. Default: 5s, or three intervals if that is more.", ""},
}

// secretKeys are the two forms of the digits of a key.
var secretKeys = schema.Table[string]{
	{"file", schema.Optional, schema.To(func(s *string) *string { return s }, schema.As(pathText, digitsOf(plainDigits))),
		"A file with the key in hexadecimal digits.", ""},
	{"keepalived_file", schema.Optional, schema.To(func(s *string) *string { return s }, schema.As(pathText, digitsOf(keepalivedDigits))),
		"A file with the key as keepalived reads it: `hex:` and hexadecimal digits, or else the characters themselves.", ""},
	{"hex", schema.Optional, schema.To(func(s *string) *string { return s }, schema.As(schema.Description{Type: schema.TypeText, Range: "64 to 128 hexadecimal digits", Pattern: `^[0-9A-Fa-f]{64,128}$`}, digitsIn)),
		"The key itself, 32 to 64 bytes.", ""},
}

var unicastKeys = schema.Table[sending]{
	{"peers", schema.Required, schema.To(func(s *sending) *[]spotted { return &s.peers }, schema.Some(schema.Each(schema.As(stationText, router)))),
		"The other routers. An address of this router itself is left out with a warning, so that all routers may have one file. Adverts of anybody else are not believed.", ""},
	{"ttl", "255", schema.To(func(s *sending) *uint8 { return &s.ttls.TTL }, schema.Number[uint8](1, 255)),
		"The TTL or hop limit of our adverts.", ""},
	{"min_ttl", "255", schema.To(func(s *sending) *uint8 { return &s.ttls.MinTTL }, schema.Number[uint8](1, 255)),
		"The least TTL or hop limit of theirs; 255 proves that they come from the segment itself.", ""},
}

var announceKeys = schema.Table[addr.Announce]{
	{"count", "5", schema.To(func(a *addr.Announce) *int { return &a.Count }, schema.Number(1, 100)),
		"How often each address is announced when it is added.", ""},
	{"again_after", "5s", schema.To(func(a *addr.Announce) *time.Duration { return &a.AgainAfter }, schema.Duration(0, time.Hour, ms)),
		"When all addresses are announced a second time; 0: not.", ""},
	{"refresh", "0s", schema.To(func(a *addr.Announce) *time.Duration { return &a.Refresh }, schema.Duration(0, 24*time.Hour, time.Second)),
		"How often the addresses are announced as long as they are held; 0: not.", ""},
	{"spacing", "0s", schema.To(func(a *addr.Announce) *time.Duration { return &a.Spacing }, schema.Duration(0, time.Second, 1)),
		"The least time between two announcements of one instance.", ""},
}

var addressKeys = schema.Table[held]{
	{"address", schema.Required, schema.To(func(h *held) *netip.Prefix { return &h.Prefix }, schema.As(prefixText, value.Prefix)),
		"The address with the length of its network.", ""},
	{"interface", schema.Optional, schema.To(func(h *held) *string { return &h.Interface }, schema.As(interfaceText, value.InterfaceName)),
		"The link that bears it. Default: the instance's, or its virtual MAC's.", ""},
	{"label", schema.Optional, schema.To(func(h *held) *string { return &h.Label }, schema.As(schema.Description{Type: schema.TypeText, Range: "up to 15 characters"}, value.Label)),
		"The label of an IPv4 address, as `ip addr` shows it.", ""},
	{"scope", "global", schema.To(func(h *held) *uint8 { return &h.Scope }, schema.As(scopeText, value.Scope)),
		"The scope of the address.", ""},
	{"broadcast", schema.Optional, schema.To(func(h *held) *netip.Addr { return &h.Broadcast }, schema.As(schema.Description{Type: schema.TypeText, Range: "an IPv4 address", Pattern: stationText.Pattern}, value.Station)),
		"The broadcast address of an IPv4 address. Default: none, as `ip addr add` has it.", ""},
	{"preferred", schema.Optional, schema.To(func(h *held) *bool { return &h.Preferred }, schema.Boolean),
		"Whether the router may take an IPv6 address for the source of its own traffic (`preferred_lft forever`, not 0). Default: not one of an instance, but one of `static`.", ""},
}

var routeKeys = schema.Table[routeEntry]{
	{"to", schema.Required, schema.To(func(r *routeEntry) *netip.Prefix { return &r.To }, schema.As(schema.Description{Type: schema.TypeText, Range: "a network, or `default`", Pattern: `^default$|` + prefixText.Pattern}, value.Destination)),
		"The destination.", ""},
	{"via", schema.Optional, schema.To(func(r *routeEntry) *netip.Addr { return &r.Via }, schema.As(stationText, value.Station)),
		"The gateway.", ""},
	{"interface", schema.Optional, schema.To(func(r *routeEntry) *string { return &r.Interface }, schema.As(interfaceText, value.InterfaceName)),
		"The outgoing link. Default: the one that leads to `via`; without `via`, with `onlink` and for a link-local gateway that of the instance.", ""},
	{"nexthops", schema.Optional, schema.To(func(r *routeEntry) *[]hopEntry { return &r.hops }, schema.Some(schema.Each(schema.As(schema.MapOf(hopKeys), readHop)))),
		"Several gateways among which the traffic is divided, in place of `via` and `interface`.", "nexthops: [{via: 198.51.100.253}, {via: 198.51.100.254, weight: 2}]"},
	{"onlink", "false", schema.To(func(r *routeEntry) *bool { return &r.OnLink }, schema.Boolean),
		"`via` is on the link, though no address of this machine says so.", ""},
	{"type", "unicast", schema.To(func(r *routeEntry) *route.Type { return &r.Type }, schema.Choice(schema.Words[route.Type]{
		{"unicast", route.Unicast}, {"blackhole", route.Blackhole}, {"unreachable", route.Unreachable}, {"prohibit", route.Prohibit}, {"throw", route.Throw},
		{"local", route.Local}, {"broadcast", route.Broadcast}, {"anycast", route.Anycast}, {"multicast", route.Multicast}})),
		"What becomes of the traffic: it is forwarded, dropped without a word, refused, looked up in further tables (`throw`), taken for this machine's own (`local`), and so on, as `ip route` has it. `blackhole`, `unreachable`, `prohibit` and `throw` have no `via`, `nexthops`, `interface`, `source` and `scope`.", ""},
	{"scope", schema.Optional, schema.Said(func(r *routeEntry) (*uint8, *bool) { return &r.Scope, &r.Scoped }, schema.As(schema.Description{Type: schema.TypeNumber, Upto: nowhere - 1, Words: scopeText.Words}, routeScope)),
		"The scope of an IPv4 route. Default: as with `ip route`: `link`, `global` with `via` or `nexthops`, `host` where the type is `local`.", ""},
	{"tos", schema.Optional, schema.To(func(r *routeEntry) *uint8 { return &r.TOS }, schema.As(tosText, value.TOS)),
		"The type of service of the IPv4 packets that it is for.", "tos: 0x10"},
	{"table", "main", schema.To(func(r *routeEntry) *uint32 { return &r.Table }, schema.As(tableText, value.Table)),
		"The routing table.", ""},
	{"metric", "0", schema.To(func(r *routeEntry) *uint32 { return &r.Metric }, schema.Number[uint32](0, 1<<32-1)),
		"The metric; 0 is the kernel's default.", ""},
	{"source", schema.Optional, schema.To(func(r *routeEntry) *netip.Addr { return &r.Source }, schema.As(stationText, value.Station)),
		"The preferred source address.", ""},
	{"preference", schema.Optional, schema.Said(func(r *routeEntry) (*uint8, *bool) { return &r.Preference, &r.Preferred }, preferences),
		"The preference of an IPv6 route (RFC 4191).", ""},
	{"metrics", schema.Optional, schema.Section(func(r *routeEntry) *route.Metrics { return &r.Metrics }, metricKeys),
		"What the route says of the connections that use it, as `ip route` has it.", "metrics: {mtu: 1400, lock: [mtu]}"},
}

var hopKeys = schema.Table[hopEntry]{
	{"via", schema.Optional, schema.To(func(h *hopEntry) *netip.Addr { return &h.Via }, schema.As(stationText, value.Station)),
		"The gateway.", ""},
	{"interface", schema.Optional, schema.To(func(h *hopEntry) *string { return &h.Interface }, schema.As(interfaceText, value.InterfaceName)),
		"The outgoing link. Default: the one that leads to `via`.", ""},
	{"weight", "1", schema.To(func(h *hopEntry) *int { return &h.Weight }, schema.Number(1, 256)),
		"Its share of the traffic, beside those of the others.", ""},
	{"onlink", "false", schema.To(func(h *hopEntry) *bool { return &h.OnLink }, schema.Boolean),
		"`via` is on the link, though no address of this machine says so.", ""},
}

var ruleKeys = schema.Table[ruleEntry]{
	{"from", schema.Optional, schema.To(func(r *ruleEntry) *netip.Prefix { return &r.From }, schema.As(networkText, value.Network)),
		"The network of the sender.", ""},
	{"to", schema.Optional, schema.To(func(r *ruleEntry) *netip.Prefix { return &r.To }, schema.As(networkText, value.Network)),
		"The network of the destination.", ""},
	{"family", schema.Optional, schema.To(func(r *ruleEntry) *event.Family { return &r.said }, schema.Choice(schema.Words[event.Family]{
		{"ipv4", event.IPv4}, {"ipv6", event.IPv6}})),
		"The family of the traffic. Default: that of `from` or `to`, else the instance's.", ""},
	{"not", "false", schema.To(func(r *ruleEntry) *bool { return &r.Not }, schema.Boolean),
		"The rule is for the traffic that it does not select.", ""},
	{"iif", schema.Optional, schema.To(func(r *ruleEntry) *string { return &r.Iif }, schema.As(interfaceText, value.OwnName)),
		"The incoming link.", ""},
	{"oif", schema.Optional, schema.To(func(r *ruleEntry) *string { return &r.Oif }, schema.As(interfaceText, value.OwnName)),
		"The link to which the sending socket is bound.", ""},
	{"tos", schema.Optional, schema.To(func(r *ruleEntry) *uint8 { return &r.TOS }, schema.As(tosText, value.TOS)),
		"The type of service of the packet.", ""},
	{"ipproto", schema.Optional, schema.To(func(r *ruleEntry) *uint8 { return &r.Protocol }, schema.As(protocolText, value.Protocol)),
		"The protocol of the packet.", "ipproto: tcp"},
	{"sport", schema.Optional, schema.To(func(r *ruleEntry) *route.Range { return &r.Sport }, schema.As(portsText, value.Ports)),
		"The source port, or a range of ports.", "sport: 1024-65535"},
	{"dport", schema.Optional, schema.To(func(r *ruleEntry) *route.Range { return &r.Dport }, schema.As(portsText, value.Ports)),
		"The destination port, or a range of ports.", ""},
	{"uidrange", schema.Optional, schema.Said(func(r *ruleEntry) (*route.Range, *bool) { return &r.UIDs, &r.UIDSaid }, schema.As(usersText, value.Users)),
		"The user whose socket sends, or a range of users.", "uidrange: 1000-1999"},
	{"fwmark", schema.Optional, schema.Into(schema.Description{Type: schema.TypeText, Range: "a mark, or mark/mask"}, func(report *problem.Report, at problem.Place, r *ruleEntry) (ok bool) {
		r.Fwmark, r.Mask, ok = value.Fwmark(report, at)
		return ok
	}), "The firewall mark of the packet.", "fwmark: 0x1/0xff"},
	{"table", schema.Optional, schema.To(func(r *ruleEntry) *uint32 { return &r.Table }, schema.As(tableText, value.Table)),
		"The routing table to look up; required unless there is an `action` or `l3mdev`.", ""},
	{"l3mdev", "false", schema.To(func(r *ruleEntry) *bool { return &r.L3MDev }, schema.Boolean),
		"Look up the table of the VRF that the traffic is of, in place of `table`.", ""},
	{"suppress_prefixlength", schema.Optional, schema.Said(func(r *ruleEntry) (*uint32, *bool) { return &r.Suppress, &r.SuppressSaid }, schema.Number[uint32](0, 128)),
		"Routes of this length or a shorter one do not count: 0 leaves out the default route.", ""},
	{"action", "lookup", schema.To(func(r *ruleEntry) *route.Action { return &r.Action }, schema.Choice(schema.Words[route.Action]{
		{"lookup", route.Lookup}, {"nop", route.GoOn}, {"goto", route.Goto},
		{"blackhole", route.DropTraffic}, {"unreachable", route.RefuseTraffic}, {"prohibit", route.ProhibitTraffic}})),
		"What is done: look up a table, nothing, go on with another rule, drop the traffic, or refuse it.", ""},
	{"goto", schema.Optional, schema.To(func(r *ruleEntry) *uint32 { return &r.Goto }, schema.Number[uint32](1, 1<<32-1)),
		"With the action `goto`, the priority of the rule to go on with, behind this one.", ""},
	{"priority", schema.Required, schema.To(func(r *ruleEntry) *uint32 { return &r.Priority }, schema.Number[uint32](1, 1<<32-1)),
		"The rule's place among all rules; the lowest number is looked at first.", ""},
}

var groupKeys = schema.Table[group]{
	{"name", schema.Required, schema.To(func(g *group) *string { return &g.name }, schema.As(nameText, value.Name)),
		"The name of the group, unique among groups.", ""},
	{"members", schema.Required, schema.To(func(g *group) *[]member { return &g.members }, schema.Some(schema.Each(schema.As(schema.Description{Type: schema.TypeText, Range: "the name of an instance", Pattern: nameText.Pattern}, readMember)))),
		"The instances; each is in one group only.", ""},
	{"track", schema.Optional, schema.To(func(g *group) *[]tracked { return &g.track }, schema.Each(schema.As(schema.MapOf(trackKeys), readTracked))),
		"Links and checks on which the group depends.", ""},
	{"fault", "any", schema.To(func(g *group) *bool { return &g.faultAll }, schema.Choice(schema.Words[bool]{{"any", false}, {"all", true}})),
		"Which entries of `track` without a weight have to fail for a fault of the group. A member's own dead link always is one.", ""},
	{"last_standing", "false", schema.To(func(g *group) *bool { return &g.lastStanding }, schema.Boolean),
		"Whether members that have no fault of their own serve, with priority 1, while the group is in Fault and nobody else serves: see [tracking.md](tracking.md#last-standing).", ""},
	{"notify", schema.Optional, notifies(func(g *group) *Notify { return &g.notify }),
		"Commands that are run at the transitions of the group.", ""},
	{"fence", schema.Optional, schema.Filled(func(g *group) **vrrp.Fence { return &g.fence }, fenceKeys),
		"What is run before a takeover from an Active that was heard and fell silent: see [fencing.md](fencing.md).", ""},
}

var fenceKeys = schema.Table[vrrp.Fence]{
	{"command", schema.Required, schema.To(func(f *vrrp.Fence) *[]string { return &f.Argv }, value.Argv),
		"The program, run as `script_user`; exit status 0: the other router does not serve any more.", ""},
	{"timeout", "10s", schema.To(func(f *vrrp.Fence) *time.Duration { return &f.Timeout }, schema.Duration(100*ms, 10*time.Minute, ms)),
		"How long it may run before it is killed, which counts as failed.", ""},
	{"on_failure", "hold", schema.To(func(f *vrrp.Fence) *bool { return &f.Proceed }, schema.Choice(schema.Words[bool]{{"hold", false}, {"proceed", true}})),
		"Whether to stay Backup where it fails or cannot be run, or to take over all the same.", ""},
}

var trackKeys = schema.Table[tracked]{
	{"interface", schema.Optional, schema.To(func(t *tracked) *string { return &t.link }, schema.As(interfaceText, value.InterfaceName)),
		"A link that has to be up. Either this or `check`.", ""},
	{"check", schema.Optional, schema.To(func(t *tracked) *string { return &t.check }, schema.As(schema.Description{Type: schema.TypeText, Range: "the name of a check", Pattern: nameText.Pattern}, value.Name)),
		"A check that has to pass.", ""},
	{"weight", "none", schema.To(func(t *tracked) *int { return &t.weight }, schema.As(weightText, readWeight)),
		"Positive: added to the priority while it is up or passes; negative: taken from it while it is not. `none`: its failure is a fault. Default: that of the check, or `none`.", ""},
	{"reverse", "false", schema.To(func(t *tracked) *bool { return &t.reverse }, schema.Boolean),
		"Count the other state: the weight while it is down or fails (negative: while it is up or passes), and without a weight a fault while it is up.", ""},
}

var checkKeys = schema.Table[check]{
	{"name", schema.Required, schema.To(func(c *check) *string { return &c.Name }, schema.As(nameText, value.Name)),
		"The name of the check, unique among checks.", ""},
	{"interval", "1s", schema.To(func(c *check) *time.Duration { return &c.Interval }, schema.Duration(10*ms, 24*time.Hour, ms)),
		"The time from one run to the next. A run that takes longer delays the next.", ""},
	{"timeout", schema.Optional, schema.To(func(c *check) *time.Duration { return &c.Timeout }, schema.Duration(10*ms, 24*time.Hour, ms)),
		"How long a run may take before it counts as failed. Default: `interval`.", ""},
	{"rise", "1", schema.To(func(c *check) *int { return &c.Rise }, schema.Number(1, 1000)),
		"How many runs have to pass in a row before the check passes.", ""},
	{"fall", "1", schema.To(func(c *check) *int { return &c.Fall }, schema.Number(1, 1000)),
		"How many runs have to fail in a row before the check fails.", ""},
	{"weight", "none", schema.To(func(c *check) *int { return &c.weight }, schema.As(weightText, readWeight)),
		"The weight where an entry of `track` has none itself.", ""},
	{"initial", "wait", schema.To(func(c *check) *track.Initial { return &c.Initial }, schema.Choice(schema.Words[track.Initial]{{"wait", track.Wait}, {"pass", track.Pass}, {"fail", track.Fail}})),
		"What the check counts as before its first result. `wait`: instances that track it stay in Initialize. With `wait` and `pass` the first result decides alone, with `fail` it takes `rise` of them.", ""},
	{"command", schema.Optional, schema.To(func(c *check) *[]string { return &c.command }, value.Argv),
		"A program that exits with status 0. Of `command`, `process`, `file`, `tcp`, `http` and `ping` a check has exactly one.", "command: [/usr/bin/systemctl, is-active, nginx]"},
	{"user", schema.Optional, schema.To(func(c *check) *string { return &c.User }, schema.As(accountText, value.Account)),
		"The user that `command` runs as. Default: `script_user`.", ""},
	{"group", schema.Optional, schema.To(func(c *check) *string { return &c.Group }, schema.As(accountText, value.Account)),
		"The group that `command` runs as. Default: that of the user.", ""},
	{"process", schema.Optional, schema.Filled(func(c *check) **track.Process { return &c.process }, processKeys),
		"Processes that have to run.", "process: {name: nginx}"},
	{"file", schema.Optional, schema.Filled(func(c *check) **track.File { return &c.file }, fileKeys),
		"A file with a whole number, which is added to the priority.", "file: {path: /run/demote}"},
	{"tcp", schema.Optional, schema.Filled(func(c *check) **track.TCP { return &c.tcp }, tcpKeys),
		"A TCP port that has to accept a connection.", "tcp: {address: \"127.0.0.1:443\"}"},
	{"http", schema.Optional, schema.Filled(func(c *check) **track.HTTP { return &c.http }, httpKeys),
		"A URL that has to answer.", "http: {url: \"http://127.0.0.1:8080/health\"}"},
	{"ping", schema.Optional, schema.Filled(func(c *check) **track.Ping { return &c.ping }, pingKeys),
		"A station that has to answer.", "ping: {address: 198.51.100.254}"},
}

var processKeys = schema.Table[track.Process]{
	{"name", schema.Required, schema.To(func(p *track.Process) *string { return &p.Name }, schema.As(schema.Description{Type: schema.TypeText, Range: "the name of a process"}, processName)),
		"The name of the process, or the path of its program.", ""},
	{"match", "exact", schema.To(func(p *track.Process) *bool { return &p.Part }, schema.Choice(schema.Words[bool]{{"exact", false}, {"part", true}})),
		"`part`: it is enough that the name stands in that of the process, as with pgrep.", ""},
	{"min", "1", schema.To(func(p *track.Process) *int { return &p.Min }, schema.Number(0, pidMax)),
		"The least number of processes with which the check passes.", ""},
	{"max", "inf", schema.To(func(p *track.Process) *int { return &p.Max }, schema.As(schema.Description{Type: schema.TypeNumber, From: 1, Upto: pidMax, Words: []string{"inf"}}, mostProcesses)),
		"The largest number of processes with which the check passes.", ""},
}

var fileKeys = schema.Table[track.File]{
	{"path", schema.Required, schema.To(func(f *track.File) *string { return &f.Path }, schema.As(pathText, value.Path)),
		"The file. It need not exist yet, and counts as 0 then.", ""},
	{"weight", "1", schema.To(func(f *track.File) *int { return &f.Weight }, schema.Number(-mostWeight, mostWeight)),
		"What the number is multiplied with. 0: any other number than 0 is a fault.", ""},
}

var tcpKeys = schema.Table[track.TCP]{
	{"address", schema.Required, schema.To(func(t *track.TCP) *string { return &t.Address }, schema.As(schema.Description{Type: schema.TypeText, Range: "IP address with a port", Pattern: `:[0-9]+$`}, target)),
		"Where to connect.", "address: \"[2001:db8::80]:443\""},
}

var httpKeys = schema.Table[track.HTTP]{
	{"url", schema.Required, schema.To(func(h *track.HTTP) *string { return &h.URL }, schema.As(schema.Description{Type: schema.TypeText, Range: "an `http` or `https` URL", Pattern: `^[Hh][Tt][Tt][Pp][Ss]?://`}, webAddress)),
		"What to get. Redirections are not followed.", ""},
	{"status", "200-399", schema.To(func(h *track.HTTP) *[]track.StatusRange { return &h.Status }, schema.As(statusesText, statuses)),
		"The statuses with which the check passes.", "status: [200-299, 401]"},
	{"contains", schema.Optional, schema.To(func(h *track.HTTP) *string { return &h.Contains }, schema.As(schema.Description{Type: schema.TypeText}, someText)),
		"What the answer has to contain.", ""},
	{"insecure", "false", schema.To(func(h *track.HTTP) *bool { return &h.Insecure }, schema.Boolean),
		"Do not verify the certificate.", ""},
}

var pingKeys = schema.Table[track.Ping]{
	{"address", schema.Required, schema.To(func(p *track.Ping) *netip.Addr { return &p.Address }, schema.As(stationText, value.Station)),
		"The station.", ""},
	{"interface", schema.Optional, schema.To(func(p *track.Ping) *string { return &p.Interface }, schema.As(interfaceText, value.InterfaceName)),
		"The link to ask on; required with `arp`, and for a link-local address.", ""},
	{"method", "icmp", schema.To(func(p *track.Ping) *track.Method { return &p.Method }, schema.Choice(schema.Words[track.Method]{{"icmp", track.ICMP}, {"arp", track.Neighbor}})),
		"How to ask: by ICMP echo, or by ARP or neighbor discovery, which stations answer that drop ICMP.", ""},
}

var notifyKeys = schema.Table[Notify]{
	{"active", schema.Optional, schema.To(func(n *Notify) *Command { return &n.Active }, ownCommand()),
		"Run when the state becomes Active.", ""},
	{"backup", schema.Optional, schema.To(func(n *Notify) *Command { return &n.Backup }, ownCommand()),
		"Run when the state becomes Backup.", ""},
	{"fault", schema.Optional, schema.To(func(n *Notify) *Command { return &n.Fault }, ownCommand()),
		"Run when the state becomes Fault.", ""},
	{"stop", schema.Optional, schema.To(func(n *Notify) *Command { return &n.Stop }, ownCommand()),
		"Run when ripcord ends; waited for at most 5 s.", ""},
	{"any", schema.Optional, schema.To(func(n *Notify) *Command { return &n.Any }, ownCommand()),
		"Run at each of these, after the command for the state, with four more arguments: `INSTANCE` or `GROUP`, the name, `MASTER`, `BACKUP`, `FAULT` or `STOP`, and the priority.", ""},
	{"timeout", schema.Optional, schema.To(func(n *Notify) *time.Duration { return &n.Timeout }, schema.Duration(100*ms, time.Hour, ms)),
		"How long a command may run before it is killed. Default: 1h, or 1m as soon as another transition waits for it to end.", ""},
	{"user", schema.Optional, schema.To(func(n *Notify) *string { return &n.User }, schema.As(accountText, value.Account)),
		"The user that these commands run as. Default: `script_user`.", ""},
	{"group", schema.Optional, schema.To(func(n *Notify) *string { return &n.Group }, schema.As(accountText, value.Account)),
		"The group that these commands run as. Default: that of the user.", ""},
}

var commandKeys = schema.Table[Command]{
	{"command", schema.Required, schema.To(func(c *Command) *[]string { return &c.Argv }, value.Argv),
		"The program, by its absolute path, and its arguments.", ""},
	{"user", schema.Optional, schema.To(func(c *Command) *string { return &c.User }, schema.As(accountText, value.Account)),
		"The user that this command runs as. Default: that of its `notify`, or `script_user`.", ""},
	{"group", schema.Optional, schema.To(func(c *Command) *string { return &c.Group }, schema.As(accountText, value.Account)),
		"The group that this command runs as. Default: that of the user.", ""},
}

// The descriptions that several keys share.
var (
	nameText      = schema.Description{Type: schema.TypeText, Range: "text without double quotes", Pattern: value.NamePattern.String()}
	interfaceText = schema.Description{Type: schema.TypeText, Range: "the name of an interface", Pattern: `^[^ /:]{1,127}$`}
	stationText   = schema.Description{Type: schema.TypeText, Range: "an IP address", Pattern: `^[0-9A-Fa-f.:]*[.:][0-9A-Fa-f.:]*$`}
	prefixText    = schema.Description{Type: schema.TypeText, Range: "an address with the length of its network", Pattern: `^[0-9A-Fa-f.:]+/[0-9]+$`}
	networkText   = schema.Description{Type: schema.TypeText, Range: "a network", Pattern: prefixText.Pattern}
	pathText      = schema.Description{Type: schema.TypeText, Range: "absolute path", Pattern: `^/`}
	accountText   = schema.Description{Type: schema.TypeText, Range: "the name or number of an account", Pattern: value.AccountPattern.String()}
	weightText    = schema.Description{Type: schema.TypeNumber, From: -mostWeight, Upto: mostWeight, Words: []string{"none"}}
	statusText    = schema.Description{Type: schema.TypeNumber, From: 100, Upto: 599, Range: "a status or a range of them", Pattern: `^[1-5][0-9]{2}(-[1-5][0-9]{2})?$`}
	statusesText  = schema.Description{Type: schema.TypeList, Items: &statusText, Least: 1, Short: &statusText}
	scopeText     = schema.Description{Type: schema.TypeNumber, Upto: nowhere, Words: []string{"global", "site", "link", "host"}}
	secretsText   = schema.Description{Type: schema.TypeMap, Items: new(schema.MapOf(secretKeys)), Least: 1, Pattern: `^[1-9][0-9]{0,2}$`}
	tosText       = schema.Description{Type: schema.TypeNumber, Range: "0 to 255, or 0x00 to 0xff", Upto: 255, Pattern: `^0x[0-9A-Fa-f]{1,2}$`}
	protocolText  = schema.Description{Type: schema.TypeNumber, From: 1, Upto: 255, Words: value.ProtocolNames()}
	portsText     = schema.Description{Type: schema.TypeNumber, From: 1, Upto: 65535, Range: "a port, or a range of ports", Pattern: `^[0-9]{1,5}-[0-9]{1,5}$`}
	usersText     = schema.Description{Type: schema.TypeNumber, Upto: 1<<32 - 1, Range: "the number of a user, or a range", Pattern: `^[0-9]{1,10}-[0-9]{1,10}$`}
	tableText     = schema.Description{Type: schema.TypeNumber, From: 1, Upto: 1<<32 - 1, Words: []string{"main", "default"}}
)

// Reference describes the whole file.
func Reference() schema.Description { return schema.MapOf(documentKeys) }
