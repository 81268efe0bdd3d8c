package control

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	iproute "ripcord/pkg/route"
	"ripcord/pkg/stats"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// KeepalivedPath is where the status is found in the form of keepalived's dump.
const KeepalivedPath = "/v1/keepalived"

// Setup is what keepalived's dump says of an instance's configuration and the state machine
// does not know.
type Setup struct {
	Set addr.Set
	// Commands of notify, with their arguments; nil: there is none.
	Active, Backup, Fault, Stop, Any []string
}

// Keepalived is the answer to GET /v1/keepalived: what keepalived writes on SIGRTMIN+2 with
// json_version 2.
type Keepalived struct {
	VRRP      []KeepalivedInstance `json:"vrrp"`
	Processes []KeepalivedProcess  `json:"track_process"`
}

// KeepalivedInstance is one vrrp_instance.
type KeepalivedInstance struct {
	Data       KeepalivedData    `json:"data"`
	Statistics map[string]uint64 `json:"stats"`
}

// KeepalivedData has keepalived's names, in its order. Fields for which ripcord has no choice
// are constant.
type KeepalivedData struct {
	Name                    string   `json:"iname"`
	DontTrackPrimary        int      `json:"dont_track_primary"`
	SkipCheckAddress        int      `json:"skip_check_adv_addr"`
	Strict                  int      `json:"strict_mode"`
	VirtualMAC              string   `json:"vmac_ifname"`
	Interface               string   `json:"ifp_ifname"`
	MasterPriority          uint8    `json:"master_priority"`
	LastTransition          float64  `json:"last_transition"` // seconds since 1970
	AnnounceDelay           float64  `json:"garp_delay"`      // this and what follows in seconds
	AnnounceRefresh         float64  `json:"garp_refresh"`
	AnnounceRepeat          int      `json:"garp_rep"`
	AnnounceRefreshRepeat   int      `json:"garp_refresh_rep"`
	AnnounceLowerDelay      float64  `json:"garp_lower_prio_delay"`
	AnnounceLowerRepeat     int      `json:"garp_lower_prio_rep"`
	LowerPriorityNoAdvert   int      `json:"lower_prio_no_advert"`
	HigherPrioritySendsOne  int      `json:"higher_prio_send_advert"`
	VRID                    uint8    `json:"vrid"`
	Priority                uint8    `json:"base_priority"`
	EffectivePriority       uint8    `json:"effective_priority"`
	Holds                   bool     `json:"vipset"`
	PromoteSecondaries      bool     `json:"promote_secondaries"`
	Interval                float64  `json:"adver_int"`
	MasterInterval          float64  `json:"master_adver_int"`
	Accept                  int      `json:"accept"`
	NoPreempt               bool     `json:"nopreempt"`
	PreemptDelay            float64  `json:"preempt_delay"`
	State                   int      `json:"state"`
	WantState               int      `json:"wantstate"`
	Version                 int      `json:"version"`
	Mail                    bool     `json:"smtp_alert"`
	NotifyDeleted           bool     `json:"notify_deleted"`
	ScriptBackup            string   `json:"script_backup,omitempty"`
	ScriptMaster            string   `json:"script_master,omitempty"`
	ScriptFault             string   `json:"script_fault,omitempty"`
	ScriptStop              string   `json:"script_stop,omitempty"`
	Script                  string   `json:"script,omitempty"`
	Addresses               []string `json:"vips,omitempty"` // in the syntax of iproute2, as what follows
	ExtraAddresses          []string `json:"evips,omitempty"`
	Routes                  []string `json:"vroutes,omitempty"`
	Rules                   []string `json:"vrules,omitempty"`
	TrackedInterfaces       []string `json:"track_ifp,omitempty"`
	TrackedScripts          []string `json:"track_script,omitempty"`
	TrackedProcesses        []string `json:"track_process,omitempty"`
	AuthenticationType      int      `json:"auth_type"`
	AuthenticationConcealed string   `json:"auth_data,omitempty"`
}

// KeepalivedProcess is one vrrp_track_process, as far as ripcord knows it.
type KeepalivedProcess struct {
	Process    string `json:"process"`
	Min        int    `json:"min_processes"`
	Max        int    `json:"max_processes"`
	HaveQuorum bool   `json:"have_quorum"`
}

// FetchKeepalived asks the daemon that listens on socket for its status in the form of
// keepalived's dump.
func FetchKeepalived(ctx context.Context, socket string) (*Keepalived, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	return request[Keepalived](ctx, socket, http.MethodGet, KeepalivedPath, nil)
}

// keepalived asks the source for everything and writes it down as keepalived does.
func (c Config) keepalived() *Keepalived {
	out := &Keepalived{VRRP: []KeepalivedInstance{}, Processes: []KeepalivedProcess{}}
	checks := map[string]track.Status{}
	for _, k := range c.Source.Checks() {
		checks[k.Name] = k
		if p, ok := k.Probe.(track.Process); ok {
			out.Processes = append(out.Processes, KeepalivedProcess{p.Name, p.Min, p.Max, k.State == track.Up})
		}
	}
	setups := c.Source.Setups()
	for _, g := range c.Source.Groups() {
		for _, m := range g.Members {
			data := keepalivedData(m)
			data.setup(setups[m.Instance.Name], m)
			data.track(m.Instance.Track, checks)
			for _, t := range g.Trackers { // keepalived's members track what their group does
				data.track([]vrrp.Tracker{t.Tracker}, checks)
			}
			out.VRRP = append(out.VRRP, KeepalivedInstance{data, keepalivedStatistics(c.Source.Stats(m.Instance.Name), m.State == event.Active)})
		}
	}
	return out
}

// keepalivedData is what the state machine knows.
func keepalivedData(m vrrp.InstanceStatus) KeepalivedData {
	in := m.Instance
	d := KeepalivedData{
		Name: in.Name, DontTrackPrimary: flag(in.IgnoreLink), Interface: in.Interface, MasterPriority: m.ActivePriority,
		AnnounceRefreshRepeat: 1, VRID: in.VRID, Priority: in.Priority, EffectivePriority: m.EffectivePriority,
		Holds: m.State == event.Active, PromoteSecondaries: true,
		Interval: in.Interval.Seconds(), MasterInterval: m.Interval.Seconds(),
		NoPreempt: !in.Preempt, PreemptDelay: in.PreemptDelay.Seconds(),
		State: keepalivedStates[m.State], WantState: keepalivedStates[event.Backup], Version: int(in.Version.Number()),
	}
	if !m.Since.IsZero() {
		d.LastTransition = float64(m.Since.UnixMicro()) / 1e6
	}
	if m.State == event.Active {
		d.WantState = d.State
	}
	if in.Auth.Type != 0 {
		d.AuthenticationType, d.AuthenticationConcealed = int(in.Auth.Type), "********"
	}
	return d
}

// keepalivedStates are its numbers of the states.
var keepalivedStates = map[event.State]int{event.Initialize: 0, event.Backup: 1, event.Active: 2, event.Fault: 3}

func flag(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// setup adds what is configured beside the state machine.
func (d *KeepalivedData) setup(s Setup, m vrrp.InstanceStatus) {
	a := s.Set.Announce
	d.AnnounceDelay, d.AnnounceRefresh, d.AnnounceRepeat = a.AgainAfter.Seconds(), a.Refresh.Seconds(), a.Count
	d.AnnounceLowerDelay, d.AnnounceLowerRepeat = d.AnnounceDelay, d.AnnounceRepeat
	d.Accept = flag(!s.Set.Refuse)
	if s.Set.Device != nil {
		d.VirtualMAC, d.Interface = s.Set.Device.Name, s.Set.Device.Name
	}
	for _, x := range s.Set.Addresses {
		list := &d.Addresses
		if x.Extra {
			list = &d.ExtraAddresses
		}
		*list = append(*list, keepalivedAddress(x, d.Interface, m))
	}
	for _, e := range s.Set.Routes {
		switch e := e.(type) {
		case iproute.Route:
			d.Routes = append(d.Routes, e.String())
		case iproute.Rule:
			_, words, _ := strings.Cut(e.String(), ": ") // behind the priority
			d.Rules = append(d.Rules, fmt.Sprintf("%s priority %d", words, e.Priority))
		}
	}
	d.ScriptMaster, d.ScriptBackup, d.ScriptFault = quoted(s.Active), quoted(s.Backup), quoted(s.Fault)
	d.ScriptStop, d.Script = quoted(s.Stop), quoted(s.Any)
}

// track adds what the instance tracks. A check that is no command is called as its status
// calls it.
func (d *KeepalivedData) track(all []vrrp.Tracker, checks map[string]track.Status) {
	for _, t := range all {
		if t.Kind == vrrp.TrackInterface {
			d.TrackedInterfaces = append(d.TrackedInterfaces, t.Name)
			continue
		}
		switch probe := checks[t.Name].Probe.(type) {
		case track.Process:
			d.TrackedProcesses = append(d.TrackedProcesses, t.Name)
		case track.Command:
			d.TrackedScripts = append(d.TrackedScripts, quoted(probe.Argv))
		default:
			d.TrackedScripts = append(d.TrackedScripts, checks[t.Name].Checks)
		}
	}
}

// keepalivedAddress is an address as `ip address add` takes it, with `set` while it is in place.
func keepalivedAddress(a addr.Address, device string, m vrrp.InstanceStatus) string {
	text := a.Prefix.String()
	if a.Prefix.IsSingleIP() {
		text = a.Prefix.Addr().String()
	}
	if a.Broadcast.IsValid() {
		text += " brd " + a.Broadcast.String()
	}
	if a.Interface != "" {
		device = a.Interface
	}
	text += " dev " + device + " scope " + iproute.ScopeName(a.Scope)
	if a.Label != "" {
		text += " label " + a.Label
	}
	if m.State == event.Active && !slices.ContainsFunc(m.Missing, func(missing string) bool { return strings.HasPrefix(missing, a.Prefix.String()+" ") }) {
		text += " set"
	}
	return text
}

// quoted is a command as keepalived writes it: each word in quotes.
func quoted(argv []string) string {
	words := make([]string, len(argv))
	for i, w := range argv {
		words[i] = "'" + w + "'"
	}
	return strings.Join(words, " ")
}

// keepalivedCounters are its names of counters.
var keepalivedCounters = map[string]stats.Counter{
	"advert_rcvd": stats.AdvertisementRcvd, "advert_sent": stats.AdvertisementSent, "become_master": stats.ActiveTransitions,
	"packet_len_err": stats.PacketLengthErrors, "advert_interval_err": stats.IntervalErrors, "ip_ttl_err": stats.IPTTLErrors,
	"invalid_type_rcvd": stats.InvalidTypeRcvd, "addr_list_err": stats.AddressListErrors,
	"invalid_authtype": stats.InvalidAuthType, "authtype_mismatch": stats.AuthTypeMismatch, "auth_failure": stats.AuthFailures,
	"auth_ext_missing": stats.AuthMissing, "auth_ext_malformed": stats.AuthMalformed, "auth_ext_unknown_key": stats.AuthUnknownKey,
	"auth_ext_invalid_hmac": stats.AuthInvalidHMAC, "auth_ext_stale": stats.AuthStale, "auth_ext_replay": stats.AuthReplays,
	"pri_zero_rcvd": stats.PriorityZeroRcvd, "pri_zero_sent": stats.PriorityZeroSent,
}

func keepalivedStatistics(s *stats.Counters, active bool) map[string]uint64 {
	out := make(map[string]uint64, len(keepalivedCounters)+1)
	for name, c := range keepalivedCounters {
		out[name] = 0
		if s != nil {
			out[name] = s.Get(c)
		}
	}
	// Each time that it became Active it ceased to be, except perhaps the last time.
	out["release_master"] = out["become_master"] - min(uint64(flag(active)), out["become_master"])
	return out
}
