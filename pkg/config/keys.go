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
		"Other files to read, with paths relative to this file: see [Several files](#several-files).", ""},
	{"log", schema.Optional, schema.Section(func(d *document) *Log { return &d.log }, logKeys),
		"The log.", ""},
	{"control", schema.Optional, schema.Section(func(d *document) *Control { return &d.control }, controlKeys),
		"The socket and the TCP address of the control API, the metrics and the status page.", ""},
	{"defaults", schema.Optional, schema.Into(schema.Description{Type: schema.TypeMap, Range: "any key of an instance"}, readDefaults),
		"Defaults for all instances: any key of an instance.", "defaults: {interval: 100ms, preempt: false}"},
	{"links", schema.Optional, schema.Into(schema.NamesOf(schema.MapOf(linkKeys)), readLinks),
		"How links are monitored, by name of the interface. `default` applies to all other links: see [links.md](links.md).", "links: {default: {poll: 2s}, eth1: {monitor: mii}}"},
	{"instances", schema.Required, schema.Into(schema.ListOf(schema.MapOf(instanceKeys), 1), readInstances),
		"The virtual routers.", ""},
	{"groups", schema.Optional, schema.To(func(d *document) *[]group { return &d.groups }, schema.Each(schema.As(schema.MapOf(groupKeys), readGroup))),
		"Instances that change their state together.", "groups: [{name: edge, members: [inside, outside]}]"},
	{"static", schema.Optional, schema.Into(schema.MapOf(staticKeys), readStatic),
		"Addresses, routes and rules that stay in place while ripcord runs, whatever the state of the instances. If another program removes one, ripcord adds it again.",
		"static: {addresses: [{address: 192.0.2.40/24, interface: eth0}], routes: [{to: 10.0.0.0/8, via: 192.0.2.254}]}"},
	{"checks", schema.Optional, schema.To(func(d *document) *[]*check { return &d.checks }, schema.Each(schema.As(schema.MapOf(checkKeys), readCheck))),
		"Health checks. An instance or group that tracks a check changes its priority, or enters Fault, when the check fails. Each check runs once, even if several instances track it: see [tracking.md](tracking.md).",
		"checks: [{name: web, http: {url: \"http://127.0.0.1:8080/health\"}, interval: 2s, fall: 2}]"},
	{"notify", schema.Optional, notifies(func(d *document) *Notify { return &d.notify }),
		"Commands that run at each transition of every instance, after the instance's own commands: see [notify.md](notify.md).", ""},
	{"fifo", schema.Optional, schema.To(func(d *document) *string { return &d.fifo }, schema.As(pathText, value.Path)),
		"A FIFO. ripcord writes a line to it at each transition: `INSTANCE \"inside\" MASTER 150`.", "fifo: /run/ripcord/transitions"},
	{"fifo_reader", schema.Optional, schema.Into(ownCommand().What, readFIFOReader),
		"A program that reads the FIFO. It runs as long as ripcord runs, as `script_user` or as its own `user`. Its last argument is the path of the FIFO.", "fifo_reader: [/usr/local/bin/read-transitions]"},
	{"fifo_user", schema.Optional, schema.To(func(d *document) *string { return &d.fifoUser }, schema.As(accountText, value.Account)),
		"The user that reads the FIFO. The FIFO is readable for this user's group. Default: the user of `fifo_reader`, or `script_user`.", ""},
	{"fifo_group", schema.Optional, schema.To(func(d *document) *string { return &d.fifoGroup }, schema.As(accountText, value.Account)),
		"The group that may read the FIFO. Default: the group of `fifo_user`.", ""},
	{"startup", schema.Optional, schema.Filled(func(d *document) **Program { return &d.startup }, programKeys),
		"A program that runs when ripcord starts, before it takes part in VRRP.", "startup: {command: [/usr/local/sbin/prepare-firewall]}"},
	{"shutdown", schema.Optional, schema.Filled(func(d *document) **Program { return &d.shutdown }, programKeys),
		"A program that runs when ripcord stops, after it has resigned and removed all addresses.", ""},
	{"script_user", "ripcord", schema.To(func(d *document) *string { return &d.scriptUser }, schema.As(accountText, value.Account)),
		"The user that runs commands without a `user` of their own.", "script_user: root"},
	{"script_group", schema.Optional, schema.To(func(d *document) *string { return &d.scriptGroup }, schema.As(accountText, value.Account)),
		"The group that runs commands without a `user` of their own. Default: the group of `script_user`.", ""},
}

var staticKeys = schema.Table[instance]{
	{"addresses", schema.Optional, schema.To(func(i *instance) *[]held { return &i.held }, schema.Each(addressOf("addresses"))),
		"Addresses, each with its `interface`. Keys as in `instances[].addresses[]`. ripcord does not announce them.", ""},
	{"routes", schema.Optional, schema.To(func(i *instance) *[]routeEntry { return &i.routing.routes }, schema.Each(schema.As(schema.MapOf(routeKeys), readRoute))),
		"Routes. Keys as in `instances[].routes[]`. A route with `via` needs no `interface`.", ""},
	{"rules", schema.Optional, schema.To(func(i *instance) *[]ruleEntry { return &i.routing.rules }, schema.Each(schema.As(schema.MapOf(ruleKeys), readRule))),
		"Policy rules. Keys as in `instances[].rules[]`.", ""},
}

var programKeys = schema.Table[Program]{
	{"command", schema.Required, schema.To(func(p *Program) *[]string { return &p.Argv }, value.Argv),
		"The absolute path of the program, and its arguments.", ""},
	{"timeout", "10s", schema.To(func(p *Program) *time.Duration { return &p.Timeout }, schema.Duration(100*ms, time.Hour, ms)),
		"The program is killed after this time. ripcord waits until the program ends.", ""},
	{"user", schema.Optional, schema.To(func(p *Program) *string { return &p.User }, schema.As(accountText, value.Account)),
		"The user that runs the program. Default: `script_user`.", ""},
	{"group", schema.Optional, schema.To(func(p *Program) *string { return &p.Group }, schema.As(accountText, value.Account)),
		"The group that runs the program. Default: the group of the user.", ""},
}

var logKeys = schema.Table[Log]{
	{"level", "info", schema.To(func(g *Log) *event.Level { return &g.Level }, schema.Choice(schema.Words[event.Level]{
		{"debug", event.Debug}, {"info", event.Info}, {"warn", event.Warn}, {"error", event.Error}})),
		"The lowest level that is logged.", ""},
}

var controlKeys = schema.Table[Control]{
	{"socket", "/run/ripcord/ripcord.sock", schema.To(func(c *Control) *string { return &c.Socket }, schema.As(pathText, value.SocketPath)),
		"The unix socket of the control API, mode 0660.", ""},
	{"listen", schema.Optional, schema.To(func(c *Control) *string { return &c.Listen }, schema.As(schema.Description{Type: schema.TypeText, Range: "IP address with a port, or `:` and a port", Pattern: `:[0-9]+$`}, value.Endpoint)),
		"A TCP address for the read-only part of the API: metrics, status page, GET requests.", `listen: "192.0.2.11:9112"`},
}

var linkKeys = schema.Table[linkSettings]{
	{"monitor", "auto", schema.To(func(s *linkSettings) *link.Mode { return &s.Monitor }, schema.Choice(schema.Words[link.Mode]{
		{"auto", link.Auto}, {"netlink", link.Netlink}, {"ethtool", link.Ethtool}, {"mii", link.ModeMII}})),
		"Where the state of the link comes from: see [links.md](links.md).", ""},
	{"confirm", "10ms", schema.To(func(s *linkSettings) *time.Duration { return &s.Confirm }, schema.Duration(0, time.Minute, ms)),
		"How often ripcord asks the driver for the carrier, in addition to the kernel's notifications. 0 turns this off.", ""},
	{"poll", "1s", schema.To(func(s *linkSettings) *time.Duration { return &s.Poll }, schema.Duration(10*ms, time.Minute, ms)),
		"The polling period of the MII monitor, if the NIC sends no notifications. Also the period at which ripcord asks the driver when `hint` reports changes.", ""},
	{"hint", "auto", schema.To(func(s *linkSettings) *bool { return &s.Hint }, schema.Choice(schema.Words[bool]{{"auto", true}, {"off", false}})),
		"`auto`: if possible, an eBPF program reports each change of the kernel's carrier flag at once, and ripcord asks the driver then. Where this is sufficient, ripcord asks the driver otherwise only once per `poll`. `off`: no eBPF program.", ""},
	{"down_delay", "0s", schema.To(func(s *linkSettings) *time.Duration { return &s.DownDelay }, schema.Duration(0, time.Hour, ms)),
		"Debounce: the link is down only after the loss has lasted this long.", ""},
	{"up_delay", "0s", schema.To(func(s *linkSettings) *time.Duration { return &s.UpDelay }, schema.Duration(0, time.Hour, ms)),
		"Debounce: the link is up only after the return has lasted this long.", ""},
	{"recovery", schema.Optional, schema.Section(func(s *linkSettings) *vrrp.Recovery { return &s.Recovery }, recoveryKeys),
		"What ripcord requires of a returned link before its group leaves Fault.", ""},
}

var recoveryKeys = schema.Table[vrrp.Recovery]{
	{"adverts", "2", schema.To(func(r *vrrp.Recovery) *int { return &r.Adverts }, schema.Number(1, 100)),
		"The group leaves Fault after this many adverts of the current Active.", ""},
	{"wait", "35s", schema.To(func(r *vrrp.Recovery) *time.Duration { return &r.Wait }, schema.Duration(0, time.Hour, ms)),
		"The longest wait for proof that the segment forwards. The default is longer than the 30 s of spanning tree. 0: no proof is required.", ""},
}

var instanceKeys = schema.Table[instance]{
	{"name", schema.Required, schema.To(func(i *instance) *string { return &i.Name }, schema.As(nameText, value.Name)),
		"The unique name of the instance.", ""},
	{"interface", schema.Required, schema.To(func(i *instance) *string { return &i.Interface }, schema.As(interfaceText, value.AdvertInterface)),
		"The link that carries the adverts, by name or alternative name (`altname`). It need not exist at the start.", ""},
	{"vrid", schema.Required, schema.To(func(i *instance) *uint8 { return &i.VRID }, schema.Number[uint8](1, 255)),
		"The number of the virtual router. It must be unique per interface and family among the instances with the same `multicast` group, and among those with the same `unicast` peers.", ""},
	{"family", schema.Optional, schema.To(func(i *instance) *event.Family { return &i.Family }, schema.Choice(schema.Words[event.Family]{
		{"ipv4", event.IPv4}, {"ipv6", event.IPv6}})),
		"The address family of the adverts. Default: the family of `addresses`.", ""},
	{"version", "3", schema.To(func(i *instance) *wire.Version { return &i.Version }, schema.Plain(schema.Choice(schema.Words[wire.Version]{
		{"3", wire.V3}, {"2", wire.V2}}))),
		"The VRRP version. Version 2 supports only IPv4 and intervals of whole seconds. A Backup stays Backup while valid adverts of the other version arrive.", ""},
	{"priority", "100", schema.To(func(i *instance) *uint8 { return &i.Priority }, schema.Number[uint8](1, vrrp.Owner)),
		"The router with the highest priority becomes Active. 255 is the address owner. All members of a group must have the same priority. `ripcord check` warns if the priority is not set.", ""},
	{"interval", "1s", schema.To(func(i *instance) *time.Duration { return &i.Interval }, schema.Duration(10*ms, 255*time.Second, 10*ms)),
		"The time between two adverts. Version 3: 10ms to 40.95s. Version 2: whole seconds, 1s to 255s.", ""},
	{"miss", "3", schema.To(func(i *instance) *int { return &i.Miss }, schema.Number(1, 100)),
		"The Active is considered dead after this many missed adverts.", ""},
	{"routers", schema.Optional, schema.To(func(i *instance) *int { return &i.Routers }, schema.Number(2, 255)),
		"The number of routers that share this virtual router. If all members of a group have 2, the only Backup takes over from an Active that resigned, or lowered its priority, without waiting for Skew_Time. Default: 2 with a single `unicast` peer, otherwise unknown.", "routers: 2"},
	{"probe", schema.Optional, schema.Filled(func(i *instance) **vrrp.Watching { return &i.probe }, probeKeys),
		"Probe the Active's machine with ARP or neighbor discovery, and take over as soon as it is dead, before adverts are missed: see [probe.md](probe.md). Off by default. Not used with `unicast` and a `min_ttl` below 255.", "probe: {interval: 50ms, miss: 3}"},
	{"preempt", "true", schema.To(func(i *instance) *bool { return &i.Preempt }, schema.Boolean),
		"Take over from an Active of lower priority.", ""},
	{"preempt_delay", "0s", schema.To(func(i *instance) *time.Duration { return &i.PreemptDelay }, schema.Duration(0, 24*time.Hour, ms)),
		"Do not preempt an Active of lower priority until this time after the start, after the end of the last fault, or after a weight raised the priority above that of the Active.", ""},
	{"filter", "auto", schema.To(func(i *instance) *bool { return &i.ReadsEach }, schema.Choice(schema.Words[bool]{{"auto", false}, {"off", true}})),
		"`auto`: if possible, an eBPF filter drops and counts adverts that only repeat the Active's last advert, while this changes no decision: see [protocol.md](protocol.md#filter). `off`: the daemon reads every advert.", ""},
	{"startup_delay", "0s", schema.To(func(i *instance) *time.Duration { return &i.StartupDelay }, schema.Duration(0, 24*time.Hour, ms)),
		"No takeover until this time after the start of the daemon.", ""},
	{"addresses", schema.Optional, schema.To(func(i *instance) *[]held { return &i.held }, schema.Each(addressOf("addresses"))),
		"The virtual addresses. They are advertised, and held while Active. An instance without addresses is allowed, with a warning, for example if a notify command moves the address.", "addresses: [192.0.2.1/24, {address: 192.0.2.2/24, label: \"eth0:vip\"}]"},
	{"extra_addresses", schema.Optional, schema.To(func(i *instance) *[]held { return &i.extra }, schema.Each(addressOf("extra_addresses"))),
		"More addresses that are held while Active, but not advertised. They may belong to the other family.", ""},
	{"routes", schema.Optional, schema.To(func(i *instance) *[]routeEntry { return &i.routing.routes }, schema.Each(schema.As(schema.MapOf(routeKeys), readRoute))),
		"Routes that are held while Active.", "routes: [{to: default, via: 198.51.100.254}]"},
	{"rules", schema.Optional, schema.To(func(i *instance) *[]ruleEntry { return &i.routing.rules }, schema.Each(schema.As(schema.MapOf(ruleKeys), readRule))),
		"Policy rules that are held while Active.", "rules: [{from: 203.0.113.0/24, table: 100, priority: 500}]"},
	{"virtual_mac", "false", schema.To(func(i *instance) *virtualMAC { return &i.virtualMAC }, schema.As(schema.Description{Type: schema.TypeText, Range: "`true`, `false`, or the name of a link"}, readVirtualMAC)),
		"Use the MAC of the virtual router, 00:00:5e:00:01:VRID (IPv6: 00:00:5e:00:02:VRID), on a macvlan. The value is `true` or the name of the macvlan. With `true` the name is `vrrp.VRID` (IPv6: `vrrp6.VRID`): see [virtual-mac.md](virtual-mac.md).", ""},
	{"virtual_mac_adverts", "true", schema.To(func(i *instance) *bool { return &i.macAdverts }, schema.Boolean),
		"Send the adverts from the virtual MAC, too. `false`: from the interface's own MAC, as with keepalived's `vmac_xmit_base`.", ""},
	{"accept", "true", schema.To(func(i *instance) *bool { return &i.accept }, schema.Boolean),
		"Accept traffic to the virtual addresses, although this router is not their owner (Accept_Mode in RFC 9568).", ""},
	{"source", schema.Optional, schema.To(func(i *instance) *spotted { return &i.sending.source }, schema.As(stationText, router)),
		"The source address of the adverts. It must be on the link or on a loopback link, and its loss is a fault. Default over IPv4: the link's own address in the subnet of the peers, otherwise in the subnet of the virtual addresses, otherwise its first address. Default over IPv6: its link-local address, and with global `unicast` peers its global address in their subnet, otherwise its first global address.", ""},
	{"track_source", "true", schema.To(func(i *instance) *bool { return &i.trackSource }, schema.Boolean),
		"A missing `source` address is a fault. `false`: ripcord sends adverts from it anyway, with multicast over IPv4.", ""},
	{"multicast", schema.Optional, schema.To(func(i *instance) *spotted { return &i.sending.group }, schema.As(groupText, multicastGroup)),
		"The multicast group to which adverts are sent. It must be the same on all routers. Default: 224.0.0.18, and over IPv6 ff02::12.", "multicast: 224.0.0.99"},
	{"unicast", schema.Optional, schema.Into(schema.MapOf(unicastKeys), readUnicast),
		"Send adverts to these peers instead of the multicast group.", "unicast: {peers: [192.0.2.12]}"},
	{"checksum", "auto", schema.To(func(i *instance) *checksum { return &i.checksum }, schema.Choice(schema.Words[checksum]{
		{"auto", checksum{wire.PseudoHeader, true}},
		{"rfc9568", checksum{wire.MessageOnly, false}},
		{"pseudo-header", checksum{wire.PseudoHeader, false}}})),
		"The checksum of version 3 over IPv4. ripcord accepts both forms. `auto`: with the pseudo-header until ripcord hears another Active that uses the other form.", ""},
	{"auth", schema.Optional, schema.Section(func(i *instance) *authentication { return &i.auth }, authKeys),
		"Authentication of adverts: see [authentication.md](authentication.md).", ""},
	{"announce", schema.Optional, schema.Section(func(i *instance) *addr.Announce { return &i.announce }, announceKeys),
		"How ripcord announces the addresses with gratuitous ARP and unsolicited neighbor advertisements.", "announce: {count: 3, refresh: 60s}"},
	{"track_link", "true", schema.To(func(i *instance) *bool { return &i.trackLink }, schema.Boolean),
		"The instance is in Fault while its own link is down.", ""},
	{"track", schema.Optional, schema.To(func(i *instance) *[]tracked { return &i.track }, schema.Each(schema.As(schema.MapOf(trackKeys), readTracked))),
		"Other links and checks on which the instance depends: see [tracking.md](tracking.md).", "track: [{interface: eth1, weight: -20}]"},
	{"notify", schema.Optional, notifies(func(i *instance) *Notify { return &i.notify }),
		"Commands that run at the transitions of the instance: see [notify.md](notify.md).", "notify: {active: [/usr/local/bin/move-address, eth0]}"},
	{"fence", schema.Optional, schema.Filled(func(i *instance) **vrrp.Fence { return &i.fence }, fenceKeys),
		"A command that runs before ripcord takes over from an Active that fell silent: see [fencing.md](fencing.md). For an instance in a group, configure it in the group.", "fence: {command: [/usr/local/sbin/power-off-peer], timeout: 20s}"},
}

var probeKeys = schema.Table[vrrp.Watching]{
	{"interval", "50ms", schema.To(func(w *vrrp.Watching) *time.Duration { return &w.Interval }, schema.Duration(0, time.Minute, ms)),
		"How often the Active is probed, at least 20ms. 0 turns the probe off, if `defaults` sets it.", ""},
	{"miss", "3", schema.To(func(w *vrrp.Watching) *int { return &w.Miss }, schema.Number(2, 100)),
		"The machine is considered dead after this many probes in a row without an answer.", ""},
}

var authKeys = schema.Table[authentication]{
	{"pass", schema.Optional, schema.To(func(a *authentication) *wire.Auth { return &a.pass }, schema.As(schema.Description{Type: schema.TypeText, Range: "up to 8 characters"}, value.Password)),
		"The simple password of version 2. It is sent in clear text and protects only against accidents.", ""},
	{"hmac", schema.Optional, schema.Into(schema.MapOf(hmacKeys), readHMAC),
		"Sign adverts with HMAC-SHA256-128. With the default `mode`, ripcord accepts only signed adverts.", "hmac: {keys: {1: {file: /etc/ripcord/key}}}"},
}

var hmacKeys = schema.Table[hmac]{
	{"keys", schema.Required, schema.To(func(h *hmac) *map[uint8]wire.Secret { return &h.Keys }, schema.As(secretsText, readSecrets)),
		"The keys, by number (1 to 255). Adverts signed with any of them are accepted.", ""},
	{"active", schema.Optional, schema.To(func(h *hmac) *uint8 { return &h.Active }, schema.Number[uint8](1, 255)),
		"The number of the key that signs. Required if there are several keys.", ""},
	{"mode", "enforce", schema.To(func(h *hmac) *vrrp.AuthMode { return &h.Mode }, schema.Choice(schema.Words[vrrp.AuthMode]{
		{"receive-only", vrrp.ReceiveOnly}, {"permissive", vrrp.Permissive}, {"enforce", vrrp.Enforce}})),
		"Whether ripcord signs adverts, and whether it accepts unsigned ones.", ""},
	{"replay", "time", schema.To(func(h *hmac) *bool { return &h.monotonic }, schema.Choice(schema.Words[bool]{{"time", false}, {"monotonic", true}})),
		"The protection against replayed adverts: by their time, or by their order.", ""},
	{"window", schema.Optional, schema.To(func(h *hmac) *time.Duration { return &h.Window }, schema.Duration(time.Second, 300*time.Second, ms)),
		"The largest allowed difference between the time in an advert and the local time. Default: 5s, or three intervals if that is longer.", ""},
}

// secretKeys are the two forms of the digits of a key.
var secretKeys = schema.Table[string]{
	{"file", schema.Optional, schema.To(func(s *string) *string { return s }, schema.As(pathText, digitsOf(plainDigits))),
		"A file that contains the key in hexadecimal digits.", ""},
	{"keepalived_file", schema.Optional, schema.To(func(s *string) *string { return s }, schema.As(pathText, digitsOf(keepalivedDigits))),
		"A file that contains the key in keepalived's format: `hex:` and hexadecimal digits, or plain characters.", ""},
	{"hex", schema.Optional, schema.To(func(s *string) *string { return s }, schema.As(schema.Description{Type: schema.TypeText, Range: "64 to 128 hexadecimal digits", Pattern: `^[0-9A-Fa-f]{64,128}$`}, digitsIn)),
		"The key, 32 to 64 bytes.", ""},
}

var unicastKeys = schema.Table[sending]{
	{"peers", schema.Required, schema.To(func(s *sending) *[]spotted { return &s.peers }, schema.Some(schema.Each(schema.As(stationText, router)))),
		"The addresses of the other routers. ripcord skips addresses of this router, with a warning, so that all routers can share one file. It rejects adverts from other sources.", ""},
	{"ttl", "255", schema.To(func(s *sending) *uint8 { return &s.ttls.TTL }, schema.Number[uint8](1, 255)),
		"The TTL or hop limit of the adverts that ripcord sends.", ""},
	{"min_ttl", "255", schema.To(func(s *sending) *uint8 { return &s.ttls.MinTTL }, schema.Number[uint8](1, 255)),
		"The lowest accepted TTL or hop limit of received adverts. 255 proves that they come from the same segment.", ""},
}

var announceKeys = schema.Table[addr.Announce]{
	{"count", "5", schema.To(func(a *addr.Announce) *int { return &a.Count }, schema.Number(1, 100)),
		"The number of announcements of each address when it is added.", ""},
	{"again_after", "5s", schema.To(func(a *addr.Announce) *time.Duration { return &a.AgainAfter }, schema.Duration(0, time.Hour, ms)),
		"All addresses are announced a second time after this time. 0: no second time.", ""},
	{"refresh", "0s", schema.To(func(a *addr.Announce) *time.Duration { return &a.Refresh }, schema.Duration(0, 24*time.Hour, time.Second)),
		"While Active, announce the addresses at this period. 0: never.", ""},
	{"spacing", "0s", schema.To(func(a *addr.Announce) *time.Duration { return &a.Spacing }, schema.Duration(0, time.Second, 1)),
		"The minimum time between two announcements of one instance.", ""},
}

var addressKeys = schema.Table[held]{
	{"address", schema.Required, schema.To(func(h *held) *netip.Prefix { return &h.Prefix }, schema.As(prefixText, value.Prefix)),
		"The address with its prefix length.", ""},
	{"interface", schema.Optional, schema.To(func(h *held) *string { return &h.Interface }, schema.As(interfaceText, value.InterfaceName)),
		"The link on which ripcord adds the address. Default: the instance's link, or the macvlan of its virtual MAC. Required in `static`.", ""},
	{"label", schema.Optional, schema.To(func(h *held) *string { return &h.Label }, schema.As(schema.Description{Type: schema.TypeText, Range: "up to 15 characters"}, value.Label)),
		"The label of an IPv4 address, as `ip addr` shows it.", ""},
	{"scope", "global", schema.To(func(h *held) *uint8 { return &h.Scope }, schema.As(scopeText, value.Scope)),
		"The scope of the address.", ""},
	{"broadcast", schema.Optional, schema.To(func(h *held) *netip.Addr { return &h.Broadcast }, schema.As(schema.Description{Type: schema.TypeText, Range: "an IPv4 address", Pattern: stationText.Pattern}, value.Station)),
		"The broadcast address of an IPv4 address. Default: none, as with `ip addr add`.", ""},
	{"preferred", schema.Optional, schema.To(func(h *held) *bool { return &h.Preferred }, schema.Boolean),
		"The router may use this IPv6 address as the source of its own traffic (`preferred_lft forever`, not 0). Default: `false` in an instance, `true` in `static`.", ""},
}

var routeKeys = schema.Table[routeEntry]{
	{"to", schema.Required, schema.To(func(r *routeEntry) *netip.Prefix { return &r.To }, schema.As(schema.Description{Type: schema.TypeText, Range: "a network, or `default`", Pattern: `^default$|` + prefixText.Pattern}, value.Destination)),
		"The destination.", ""},
	{"via", schema.Optional, schema.To(func(r *routeEntry) *netip.Addr { return &r.Via }, schema.As(stationText, value.Station)),
		"The gateway.", ""},
	{"interface", schema.Optional, schema.To(func(r *routeEntry) *string { return &r.Interface }, schema.As(interfaceText, value.InterfaceName)),
		"The outgoing link. Default: the link that leads to `via`. Without `via`, with `onlink`, or for a link-local gateway: the link of the instance.", ""},
	{"nexthops", schema.Optional, schema.To(func(r *routeEntry) *[]hopEntry { return &r.hops }, schema.Some(schema.Each(schema.As(schema.MapOf(hopKeys), readHop)))),
		"Several gateways that share the traffic, instead of `via` and `interface`.", "nexthops: [{via: 198.51.100.253}, {via: 198.51.100.254, weight: 2}]"},
	{"onlink", "false", schema.To(func(r *routeEntry) *bool { return &r.OnLink }, schema.Boolean),
		"`via` is on the link, although no address of this machine is in its subnet.", ""},
	{"type", "unicast", schema.To(func(r *routeEntry) *route.Type { return &r.Type }, schema.Choice(schema.Words[route.Type]{
		{"unicast", route.Unicast}, {"blackhole", route.Blackhole}, {"unreachable", route.Unreachable}, {"prohibit", route.Prohibit}, {"throw", route.Throw},
		{"local", route.Local}, {"broadcast", route.Broadcast}, {"anycast", route.Anycast}, {"multicast", route.Multicast}})),
		"The type of the route, as in `ip route`. The traffic is forwarded (`unicast`), dropped silently (`blackhole`), refused (`unreachable`, `prohibit`), looked up in further tables (`throw`), delivered to this machine (`local`), and so on. `blackhole`, `unreachable`, `prohibit` and `throw` have no `via`, `nexthops`, `interface`, `source` or `scope`.", ""},
	{"scope", schema.Optional, schema.Said(func(r *routeEntry) (*uint8, *bool) { return &r.Scope, &r.Scoped }, schema.As(schema.Description{Type: schema.TypeNumber, Upto: nowhere - 1, Words: scopeText.Words}, routeScope)),
		"The scope of an IPv4 route. Default, as with `ip route`: `global` with `via` or `nexthops`, `host` for type `local`, otherwise `link`.", ""},
	{"tos", schema.Optional, schema.To(func(r *routeEntry) *uint8 { return &r.TOS }, schema.As(tosText, value.TOS)),
		"The route applies to IPv4 packets with this type of service.", "tos: 0x10"},
	{"table", "main", schema.To(func(r *routeEntry) *uint32 { return &r.Table }, schema.As(tableText, value.Table)),
		"The routing table.", ""},
	{"metric", "0", schema.To(func(r *routeEntry) *uint32 { return &r.Metric }, schema.Number[uint32](0, 1<<32-1)),
		"The metric. 0: the kernel's default.", ""},
	{"source", schema.Optional, schema.To(func(r *routeEntry) *netip.Addr { return &r.Source }, schema.As(stationText, value.Station)),
		"The preferred source address.", ""},
	{"preference", schema.Optional, schema.Said(func(r *routeEntry) (*uint8, *bool) { return &r.Preference, &r.Preferred }, preferences),
		"The preference of an IPv6 route (RFC 4191).", ""},
	{"metrics", schema.Optional, schema.Section(func(r *routeEntry) *route.Metrics { return &r.Metrics }, metricKeys),
		"Metrics for the connections that use the route, as in `ip route`.", "metrics: {mtu: 1400, lock: [mtu]}"},
}

var hopKeys = schema.Table[hopEntry]{
	{"via", schema.Optional, schema.To(func(h *hopEntry) *netip.Addr { return &h.Via }, schema.As(stationText, value.Station)),
		"The gateway.", ""},
	{"interface", schema.Optional, schema.To(func(h *hopEntry) *string { return &h.Interface }, schema.As(interfaceText, value.InterfaceName)),
		"The outgoing link. Default: the link that leads to `via`.", ""},
	{"weight", "1", schema.To(func(h *hopEntry) *int { return &h.Weight }, schema.Number(1, 256)),
		"The share of the traffic, relative to the other gateways.", ""},
	{"onlink", "false", schema.To(func(h *hopEntry) *bool { return &h.OnLink }, schema.Boolean),
		"`via` is on the link, although no address of this machine is in its subnet.", ""},
}

var ruleKeys = schema.Table[ruleEntry]{
	{"from", schema.Optional, schema.To(func(r *ruleEntry) *netip.Prefix { return &r.From }, schema.As(networkText, value.Network)),
		"Matches packets with a source address in this network.", ""},
	{"to", schema.Optional, schema.To(func(r *ruleEntry) *netip.Prefix { return &r.To }, schema.As(networkText, value.Network)),
		"Matches packets with a destination address in this network.", ""},
	{"family", schema.Optional, schema.To(func(r *ruleEntry) *event.Family { return &r.said }, schema.Choice(schema.Words[event.Family]{
		{"ipv4", event.IPv4}, {"ipv6", event.IPv6}})),
		"The address family of the traffic. Default: the family of `from` or `to`, otherwise the family of the instance.", ""},
	{"not", "false", schema.To(func(r *ruleEntry) *bool { return &r.Not }, schema.Boolean),
		"Invert the match.", ""},
	{"iif", schema.Optional, schema.To(func(r *ruleEntry) *string { return &r.Iif }, schema.As(interfaceText, value.OwnName)),
		"Matches packets that arrive on this link.", ""},
	{"oif", schema.Optional, schema.To(func(r *ruleEntry) *string { return &r.Oif }, schema.As(interfaceText, value.OwnName)),
		"Matches packets of sockets that are bound to this link.", ""},
	{"tos", schema.Optional, schema.To(func(r *ruleEntry) *uint8 { return &r.TOS }, schema.As(tosText, value.TOS)),
		"Matches this type of service.", ""},
	{"ipproto", schema.Optional, schema.To(func(r *ruleEntry) *uint8 { return &r.Protocol }, schema.As(protocolText, value.Protocol)),
		"Matches this IP protocol.", "ipproto: tcp"},
	{"sport", schema.Optional, schema.To(func(r *ruleEntry) *route.Range { return &r.Sport }, schema.As(portsText, value.Ports)),
		"Matches this source port, or a range of ports.", "sport: 1024-65535"},
	{"dport", schema.Optional, schema.To(func(r *ruleEntry) *route.Range { return &r.Dport }, schema.As(portsText, value.Ports)),
		"Matches this destination port, or a range of ports.", ""},
	{"uidrange", schema.Optional, schema.Said(func(r *ruleEntry) (*route.Range, *bool) { return &r.UIDs, &r.HasUIDs }, schema.As(usersText, value.Users)),
		"Matches packets from sockets of this user, or of a range of users.", "uidrange: 1000-1999"},
	{"fwmark", schema.Optional, schema.Into(schema.Description{Type: schema.TypeText, Range: "a mark, or mark/mask"}, func(report *problem.Report, at problem.Place, r *ruleEntry) (ok bool) {
		r.Fwmark, r.Mask, ok = value.Fwmark(report, at)
		return ok
	}), "Matches this firewall mark.", "fwmark: 0x1/0xff"},
	{"table", schema.Optional, schema.To(func(r *ruleEntry) *uint32 { return &r.Table }, schema.As(tableText, value.Table)),
		"The routing table to look up. Required unless `action` or `l3mdev` is set.", ""},
	{"l3mdev", "false", schema.To(func(r *ruleEntry) *bool { return &r.L3MDev }, schema.Boolean),
		"Look up the table of the packet's VRF, instead of `table`.", ""},
	{"suppress_prefixlength", schema.Optional, schema.Said(func(r *ruleEntry) (*uint32, *bool) { return &r.Suppress, &r.HasSuppress }, schema.Number[uint32](0, 128)),
		"Ignore routes with this prefix length or a shorter one. 0 ignores the default route.", ""},
	{"action", "lookup", schema.To(func(r *ruleEntry) *route.Action { return &r.Action }, schema.Choice(schema.Words[route.Action]{
		{"lookup", route.Lookup}, {"nop", route.GoOn}, {"goto", route.Goto},
		{"blackhole", route.DropTraffic}, {"unreachable", route.RefuseTraffic}, {"prohibit", route.ProhibitTraffic}})),
		"What the rule does: look up a table (`lookup`), nothing (`nop`), continue with another rule (`goto`), drop the traffic (`blackhole`), or refuse it (`unreachable`, `prohibit`).", ""},
	{"goto", schema.Optional, schema.To(func(r *ruleEntry) *uint32 { return &r.Goto }, schema.Number[uint32](1, 1<<32-1)),
		"With the action `goto`: the priority of the next rule. It must come after this one.", ""},
	{"priority", schema.Required, schema.To(func(r *ruleEntry) *uint32 { return &r.Priority }, schema.Number[uint32](1, 1<<32-1)),
		"The priority of the rule. Rules with lower numbers are evaluated first.", ""},
}

var groupKeys = schema.Table[group]{
	{"name", schema.Required, schema.To(func(g *group) *string { return &g.name }, schema.As(nameText, value.Name)),
		"The unique name of the group.", ""},
	{"members", schema.Required, schema.To(func(g *group) *[]member { return &g.members }, schema.Some(schema.Each(schema.As(schema.Description{Type: schema.TypeText, Range: "the name of an instance", Pattern: nameText.Pattern}, readMember)))),
		"The instances of the group. An instance can be in one group only.", ""},
	{"track", schema.Optional, schema.To(func(g *group) *[]tracked { return &g.track }, schema.Each(schema.As(schema.MapOf(trackKeys), readTracked))),
		"Links and checks on which the group depends. Keys as in `instances[].track[]`.", ""},
	{"fault", "any", schema.To(func(g *group) *bool { return &g.faultAll }, schema.Choice(schema.Words[bool]{{"any", false}, {"all", true}})),
		"The group is in Fault if `any` entry of `track` without a weight fails, or if `all` of them fail. A dead link of a member is always a fault.", ""},
	{"last_standing", "false", schema.To(func(g *group) *bool { return &g.lastStanding }, schema.Boolean),
		"While the group is in Fault and no other router serves, members without a fault of their own serve with priority 1: see [tracking.md](tracking.md#last-standing).", ""},
	{"notify", schema.Optional, notifies(func(g *group) *Notify { return &g.notify }),
		"Commands that run at the transitions of the group. Keys as in `instances[].notify`.", ""},
	{"fence", schema.Optional, schema.Filled(func(g *group) **vrrp.Fence { return &g.fence }, fenceKeys),
		"A command that runs before ripcord takes over from an Active that fell silent: see [fencing.md](fencing.md).", ""},
}

var fenceKeys = schema.Table[vrrp.Fence]{
	{"command", schema.Required, schema.To(func(f *vrrp.Fence) *[]string { return &f.Argv }, value.Argv),
		"The program and its arguments. It runs as `script_user`. Exit status 0 means that the other router no longer serves.", ""},
	{"timeout", "10s", schema.To(func(f *vrrp.Fence) *time.Duration { return &f.Timeout }, schema.Duration(100*ms, 10*time.Minute, ms)),
		"The command is killed after this time, and has failed then.", ""},
	{"on_failure", "hold", schema.To(func(f *vrrp.Fence) *bool { return &f.Proceed }, schema.Choice(schema.Words[bool]{{"hold", false}, {"proceed", true}})),
		"If the command fails or cannot run: stay Backup (`hold`), or take over anyway (`proceed`).", ""},
}

var trackKeys = schema.Table[tracked]{
	{"interface", schema.Optional, schema.To(func(t *tracked) *string { return &t.link }, schema.As(interfaceText, value.InterfaceName)),
		"A link that must be up. Each entry has either `interface` or `check`.", ""},
	{"check", schema.Optional, schema.To(func(t *tracked) *string { return &t.check }, schema.As(schema.Description{Type: schema.TypeText, Range: "the name of a check", Pattern: nameText.Pattern}, value.Name)),
		"A check that must pass.", ""},
	{"weight", "none", schema.To(func(t *tracked) *int { return &t.weight }, schema.As(weightText, readWeight)),
		"A positive weight is added to the priority while the link is up or the check passes. A negative weight lowers the priority while it does not. `none`: a failure is a fault. Default: the weight of the check, or `none`.", ""},
	{"reverse", "false", schema.To(func(t *tracked) *bool { return &t.reverse }, schema.Boolean),
		"Invert the state: a positive weight is added while the link is down or the check fails, a negative weight lowers the priority while it is up or passes, and without a weight it is a fault while it is up or passes.", ""},
}

var checkKeys = schema.Table[check]{
	{"name", schema.Required, schema.To(func(c *check) *string { return &c.Name }, schema.As(nameText, value.Name)),
		"The unique name of the check.", ""},
	{"interval", "1s", schema.To(func(c *check) *time.Duration { return &c.Interval }, schema.Duration(10*ms, 24*time.Hour, ms)),
		"The time between the starts of two runs. If a run takes longer, the next one is late.", ""},
	{"timeout", schema.Optional, schema.To(func(c *check) *time.Duration { return &c.Timeout }, schema.Duration(10*ms, 24*time.Hour, ms)),
		"A run fails if it takes longer than this. Default: `interval`.", ""},
	{"rise", "1", schema.To(func(c *check) *int { return &c.Rise }, schema.Number(1, 1000)),
		"The check passes after this many successful runs in a row.", ""},
	{"fall", "1", schema.To(func(c *check) *int { return &c.Fall }, schema.Number(1, 1000)),
		"The check fails after this many failed runs in a row.", ""},
	{"weight", "none", schema.To(func(c *check) *int { return &c.weight }, schema.As(weightText, readWeight)),
		"The weight for entries of `track` without a weight of their own.", ""},
	{"initial", "wait", schema.To(func(c *check) *track.Initial { return &c.Initial }, schema.Choice(schema.Words[track.Initial]{{"wait", track.Wait}, {"pass", track.Pass}, {"fail", track.Fail}, {"neutral", track.Neutral}})),
		"The state of the check before its first result. `wait`: instances that track it stay in Initialize. `neutral`: it adds nothing to the priority, and only instances that track it without a weight stay in Initialize. The first result sets the state, but with `fail` the check passes after `rise` successful runs.", ""},
	{"command", schema.Optional, schema.To(func(c *check) *[]string { return &c.command }, value.Argv),
		"A program that must exit with status 0. Each check has exactly one of `command`, `process`, `file`, `tcp`, `http` and `ping`.", "command: [/usr/bin/systemctl, is-active, nginx]"},
	{"user", schema.Optional, schema.To(func(c *check) *string { return &c.User }, schema.As(accountText, value.Account)),
		"The user that runs `command`. Default: `script_user`.", ""},
	{"group", schema.Optional, schema.To(func(c *check) *string { return &c.Group }, schema.As(accountText, value.Account)),
		"The group that runs `command`. Default: the group of the user.", ""},
	{"process", schema.Optional, schema.Filled(func(c *check) **track.Process { return &c.process }, processKeys),
		"Processes that must run.", "process: {name: nginx}"},
	{"file", schema.Optional, schema.Filled(func(c *check) **track.File { return &c.file }, fileKeys),
		"A file that contains an integer. The number is added to the priority.", "file: {path: /run/demote}"},
	{"tcp", schema.Optional, schema.Filled(func(c *check) **track.TCP { return &c.tcp }, tcpKeys),
		"A TCP port that must accept a connection.", "tcp: {address: \"127.0.0.1:443\"}"},
	{"http", schema.Optional, schema.Filled(func(c *check) **track.HTTP { return &c.http }, httpKeys),
		"A URL that must answer.", "http: {url: \"http://127.0.0.1:8080/health\"}"},
	{"ping", schema.Optional, schema.Filled(func(c *check) **track.Ping { return &c.ping }, pingKeys),
		"A host that must answer.", "ping: {address: 198.51.100.254}"},
}

var processKeys = schema.Table[track.Process]{
	{"name", schema.Required, schema.To(func(p *track.Process) *string { return &p.Name }, schema.As(schema.Description{Type: schema.TypeText, Range: "the name of a process"}, processName)),
		"The name of the process, or the path of its program.", ""},
	{"match", "exact", schema.To(func(p *track.Process) *bool { return &p.Part }, schema.Choice(schema.Words[bool]{{"exact", false}, {"part", true}})),
		"`part`: the name of the process only needs to contain this name, as with pgrep.", ""},
	{"min", "1", schema.To(func(p *track.Process) *int { return &p.Min }, schema.Number(0, pidMax)),
		"The check passes with at least this many processes.", ""},
	{"max", "inf", schema.To(func(p *track.Process) *int { return &p.Max }, schema.As(schema.Description{Type: schema.TypeNumber, From: 1, Upto: pidMax, Words: []string{"inf"}}, maxProcesses)),
		"The check passes with at most this many processes.", ""},
}

var fileKeys = schema.Table[track.File]{
	{"path", schema.Required, schema.To(func(f *track.File) *string { return &f.Path }, schema.As(pathText, value.Path)),
		"The file. A missing file counts as 0.", ""},
	{"weight", "1", schema.To(func(f *track.File) *int { return &f.Weight }, schema.Number(-maxWeight, maxWeight)),
		"The factor by which the number is multiplied. With 0, any number in the file other than 0 is a fault.", ""},
}

var tcpKeys = schema.Table[track.TCP]{
	{"address", schema.Required, schema.To(func(t *track.TCP) *string { return &t.Address }, schema.As(schema.Description{Type: schema.TypeText, Range: "IP address with a port", Pattern: `:[0-9]+$`}, target)),
		"The address and port.", "address: \"[2001:db8::80]:443\""},
}

var httpKeys = schema.Table[track.HTTP]{
	{"url", schema.Required, schema.To(func(h *track.HTTP) *string { return &h.URL }, schema.As(schema.Description{Type: schema.TypeText, Range: "an `http` or `https` URL", Pattern: `^[Hh][Tt][Tt][Pp][Ss]?://`}, webAddress)),
		"The URL to get. ripcord does not follow redirects.", ""},
	{"status", "200-399", schema.To(func(h *track.HTTP) *[]track.StatusRange { return &h.Status }, schema.As(statusesText, statuses)),
		"The check passes with these statuses.", "status: [200-299, 401]"},
	{"contains", schema.Optional, schema.To(func(h *track.HTTP) *string { return &h.Contains }, schema.As(schema.Description{Type: schema.TypeText}, someText)),
		"The answer must contain this text.", ""},
	{"insecure", "false", schema.To(func(h *track.HTTP) *bool { return &h.Insecure }, schema.Boolean),
		"Do not verify the certificate.", ""},
}

var pingKeys = schema.Table[track.Ping]{
	{"address", schema.Required, schema.To(func(p *track.Ping) *netip.Addr { return &p.Address }, schema.As(stationText, value.Station)),
		"The address of the host.", ""},
	{"interface", schema.Optional, schema.To(func(p *track.Ping) *string { return &p.Interface }, schema.As(interfaceText, value.InterfaceName)),
		"The link to send on. Required with `arp`, and for a link-local address.", ""},
	{"method", "icmp", schema.To(func(p *track.Ping) *track.Method { return &p.Method }, schema.Choice(schema.Words[track.Method]{{"icmp", track.ICMP}, {"arp", track.Neighbor}})),
		"`icmp`: ICMP echo. `arp`: ARP or neighbor discovery, for hosts that drop ICMP.", ""},
}

var notifyKeys = schema.Table[Notify]{
	{"active", schema.Optional, schema.To(func(n *Notify) *Command { return &n.Active }, ownCommand()),
		"Runs when the state becomes Active.", ""},
	{"backup", schema.Optional, schema.To(func(n *Notify) *Command { return &n.Backup }, ownCommand()),
		"Runs when the state becomes Backup.", ""},
	{"fault", schema.Optional, schema.To(func(n *Notify) *Command { return &n.Fault }, ownCommand()),
		"Runs when the state becomes Fault.", ""},
	{"stop", schema.Optional, schema.To(func(n *Notify) *Command { return &n.Stop }, ownCommand()),
		"Runs when ripcord stops, or when a reload removes the instance or group. At its own stop, ripcord waits for it for at most 5 s.", ""},
	{"any", schema.Optional, schema.To(func(n *Notify) *Command { return &n.Any }, ownCommand()),
		"Runs at each of these transitions, after the command for the state. It gets four more arguments: `INSTANCE` or `GROUP`; the name; `MASTER`, `BACKUP`, `FAULT` or `STOP`; the priority.", ""},
	{"timeout", schema.Optional, schema.To(func(n *Notify) *time.Duration { return &n.Timeout }, schema.Duration(100*ms, time.Hour, ms)),
		"A command is killed after this time. Default: 1h, or 1m once another transition waits for its end.", ""},
	{"user", schema.Optional, schema.To(func(n *Notify) *string { return &n.User }, schema.As(accountText, value.Account)),
		"The user that runs these commands. Default: `script_user`.", ""},
	{"group", schema.Optional, schema.To(func(n *Notify) *string { return &n.Group }, schema.As(accountText, value.Account)),
		"The group that runs these commands. Default: the group of the user.", ""},
}

var commandKeys = schema.Table[Command]{
	{"command", schema.Required, schema.To(func(c *Command) *[]string { return &c.Argv }, value.Argv),
		"The absolute path of the program, and its arguments.", ""},
	{"user", schema.Optional, schema.To(func(c *Command) *string { return &c.User }, schema.As(accountText, value.Account)),
		"The user that runs this command. Default: the `user` of its `notify`, or `script_user`.", ""},
	{"group", schema.Optional, schema.To(func(c *Command) *string { return &c.Group }, schema.As(accountText, value.Account)),
		"The group that runs this command. Default: the group of the user.", ""},
}

// The descriptions that several keys share.
var (
	nameText      = schema.Description{Type: schema.TypeText, Range: "text without double quotes", Pattern: value.NamePattern.String()}
	interfaceText = schema.Description{Type: schema.TypeText, Range: "the name of an interface", Pattern: `^[^ /:]{1,127}$`}
	stationText   = schema.Description{Type: schema.TypeText, Range: "an IP address", Pattern: `^[0-9A-Fa-f.:]*[.:][0-9A-Fa-f.:]*$`}
	groupText     = schema.Description{Type: schema.TypeText, Range: "a multicast group", Pattern: stationText.Pattern}
	prefixText    = schema.Description{Type: schema.TypeText, Range: "an address with its prefix length", Pattern: `^[0-9A-Fa-f.:]+/[0-9]+$`}
	networkText   = schema.Description{Type: schema.TypeText, Range: "a network", Pattern: prefixText.Pattern}
	pathText      = schema.Description{Type: schema.TypeText, Range: "absolute path", Pattern: `^/`}
	accountText   = schema.Description{Type: schema.TypeText, Range: "the name or number of a user or group", Pattern: value.AccountPattern.String()}
	weightText    = schema.Description{Type: schema.TypeNumber, From: -maxWeight, Upto: maxWeight, Words: []string{"none"}}
	statusText    = schema.Description{Type: schema.TypeNumber, From: 100, Upto: 599, Range: "a status or a range", Pattern: `^[1-5][0-9]{2}(-[1-5][0-9]{2})?$`}
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
