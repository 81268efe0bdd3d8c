package control

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	iproute "ripcord/pkg/route"
	"ripcord/pkg/stats"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// KeepalivedPath is the path of the status in the form of keepalived's dump.
const KeepalivedPath = "/v1/keepalived"

// Setup is the part of an instance's configuration that keepalived's dump contains and the state
// machine does not have.
type Setup struct {
	Set addr.Set
	// These are the commands of notify, with their arguments; nil: there is none.
	Active, Backup, Fault, Stop, Any []string
}

// Keepalived is the answer to GET /v1/keepalived: the document that keepalived writes on SIGRTMIN+2
// with json_version 2.
type Keepalived struct {
	VRRP      []KeepalivedInstance `json:"vrrp"`
	Processes []KeepalivedProcess  `json:"track_process"`
}

// KeepalivedInstance is one vrrp_instance.
type KeepalivedInstance struct {
	Data       KeepalivedData    `json:"data"`
	Statistics map[string]uint64 `json:"stats"`
}

// KeepalivedData has keepalived's names, in its order, and its types: keepalived writes whole
// seconds if a field is an int. Fields for which ripcord has no choice are constant.
type KeepalivedData struct {
	Name                    string   `json:"iname"`
	DontTrackPrimary        int      `json:"dont_track_primary"`
	SkipCheckAddress        int      `json:"skip_check_adv_addr"`
	Strict                  int      `json:"strict_mode"`
	VirtualMAC              string   `json:"vmac_ifname"`
	Interface               string   `json:"ifp_ifname"`
	MasterPriority          uint8    `json:"master_priority"`
	LastTransition          float64  `json:"last_transition"` // seconds since 1970
	AnnounceDelay           float64  `json:"garp_delay"`      // this field and the following ones in seconds
	AnnounceRefresh         int      `json:"garp_refresh"`
	AnnounceRepeat          int      `json:"garp_rep"`
	AnnounceRefreshRepeat   int      `json:"garp_refresh_rep"`
	AnnounceLowerDelay      int      `json:"garp_lower_prio_delay"`
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
	PreemptDelay            int      `json:"preempt_delay"`
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
	Addresses               []string `json:"vips,omitempty"` // in the syntax of iproute2, as the following ones
	ExtraAddresses          []string `json:"evips,omitempty"`
	Routes                  []string `json:"vroutes,omitempty"`
	Rules                   []string `json:"vrules,omitempty"`
	TrackedInterfaces       []string `json:"track_ifp,omitempty"`
	TrackedScripts          []string `json:"track_script,omitempty"`
	TrackedProcesses        []string `json:"track_process,omitempty"`
	AuthenticationType      int      `json:"auth_type"`
	AuthenticationConcealed string   `json:"auth_data,omitempty"`
}

// KeepalivedProcess is one vrrp_track_process, by the name of its block. ripcord compares no
// arguments, and delays a change by the number of results (`rise`, `fall`), so what keepalived
// writes about both is constant.
type KeepalivedProcess struct {
	Process          string  `json:"process"`
	ParameterMatch   string  `json:"param_match"`
	Min              int     `json:"min_processes"`
	Max              int     `json:"max_processes,omitempty"`
	Current          int     `json:"current_processes"`
	HaveQuorum       bool    `json:"have_quorum"`
	Weight           int     `json:"weight"` // of its first tracker
	TerminateDelay   float64 `json:"terminate_delay"`
	ForkDelay        float64 `json:"fork_delay"`
	ForkDelayed      bool    `json:"fork_delay_timer_running"`
	TerminateDelayed bool    `json:"terminate_delay_timer_running"`
	FullCommand      bool    `json:"full_command"`
}

// FetchKeepalived requests the status in the form of keepalived's dump from the daemon that listens
// on socket.
func FetchKeepalived(ctx context.Context, socket string) (*Keepalived, error) {
	return request[Keepalived](ctx, socket, http.MethodGet, KeepalivedPath, nil)
}

// keepalived returns everything from the source in keepalived's form.
func (c Config) keepalived() *Keepalived {
	out := &Keepalived{VRRP: []KeepalivedInstance{}, Processes: []KeepalivedProcess{}}
	groups, checks := c.Source.Groups(), map[string]track.Status{}
	weights := keepalivedWeights(groups)
	for _, k := range c.Source.Checks() {
		checks[k.Name] = k
		if p, ok := k.Probe.(track.Process); ok {
			out.Processes = append(out.Processes, keepalivedProcess(k, p, weights[k.Name]))
		}
	}
	setups := c.Source.Setups()
	for _, g := range groups {
		for _, m := range g.Members {
			data := keepalivedData(m)
			data.setup(setups[m.Instance.Name], m)
			data.track(m.Instance.Track, checks)
			for _, t := range g.Trackers { // keepalived's members track what their group tracks
				data.track([]vrrp.Tracker{t.Tracker}, checks)
			}
			out.VRRP = append(out.VRRP, KeepalivedInstance{data, keepalivedStatistics(c.Source.Stats(m.Instance.Name), m.State == event.Active)})
		}
	}
	return out
}

// keepalivedWeights returns the weights of checks: in keepalived the check itself has one, here
// each tracker, of which the first counts.
func keepalivedWeights(groups []vrrp.GroupStatus) map[string]int {
	weights := map[string]int{}
	add := func(all []vrrp.TrackerStatus) {
		for _, t := range all {
			if _, known := weights[t.Name]; known || t.Kind != vrrp.TrackCheck {
				continue
			}
			weights[t.Name] = t.Weight
		}
	}
	for _, g := range groups {
		add(g.Trackers)
		for _, m := range g.Members {
			add(m.Trackers)
		}
	}
	return weights
}

// keepalivedProcess returns the entry of a check that counts processes.
func keepalivedProcess(k track.Status, p track.Process, weight int) KeepalivedProcess {
	out := KeepalivedProcess{Process: k.Name, ParameterMatch: "none", Min: p.Min, Max: p.Max, HaveQuorum: k.State == track.Up, Weight: weight}
	out.Current, _ = strconv.Atoi(k.Output) // 0 if they could not be counted
	return out
}

// keepalivedData returns the fields that the state machine has.
func keepalivedData(m vrrp.InstanceStatus) KeepalivedData {
	in := m.Instance
	d := KeepalivedData{
		Name: in.Name, DontTrackPrimary: flag(in.IgnoreLink), Interface: in.Interface, MasterPriority: m.ActivePriority,
		AnnounceRefreshRepeat: 1, VRID: in.VRID, Priority: in.Priority, EffectivePriority: m.EffectivePriority,
		Holds: m.State == event.Active, PromoteSecondaries: true,
		Interval: in.Interval.Seconds(), MasterInterval: m.Interval.Seconds(),
		NoPreempt: !in.Preempt, PreemptDelay: seconds(in.PreemptDelay),
		State: keepalivedStates[m.State], WantState: keepalivedStates[event.Backup], Version: int(in.Version.Number()),
	}
	if !m.Since.IsZero() {
		d.LastTransition = float64(m.Since.UnixMicro()) / 1e6
	}
	if m.State == event.Active {
		d.WantState, d.MasterPriority = d.State, 0 // the priority of another master
	}
	if in.Auth.Type != 0 {
		d.AuthenticationType, d.AuthenticationConcealed = int(in.Auth.Type), "********"
	}
	return d
}

// keepalivedStates are keepalived's numbers of the states.
var keepalivedStates = map[event.State]int{event.Initialize: 0, event.Backup: 1, event.Active: 2, event.Fault: 3}

func flag(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// seconds returns the whole seconds of a duration.
func seconds(d time.Duration) int { return int(d / time.Second) }

// setup adds the fields that the state machine does not have.
func (d *KeepalivedData) setup(s Setup, m vrrp.InstanceStatus) {
	a := s.Set.Announce
	d.AnnounceDelay, d.AnnounceRefresh, d.AnnounceRepeat = a.AgainAfter.Seconds(), seconds(a.Refresh), a.Count
	d.AnnounceLowerDelay, d.AnnounceLowerRepeat = seconds(a.AgainAfter), d.AnnounceRepeat
	d.Accept = flag(!s.Set.Refuse)
	device := d.Interface
	if s.Set.Device != nil {
		d.VirtualMAC, d.Interface = s.Set.Device.Name, s.Set.Device.Name
		device = s.Set.Device.Name + "@" + device
	}
	for _, x := range s.Set.Addresses {
		list := &d.Addresses
		if x.Extra {
			list = &d.ExtraAddresses
		}
		*list = append(*list, keepalivedAddress(x, device, m))
	}
	for _, e := range s.Set.Routes {
		switch e := e.(type) {
		case iproute.Route:
			d.Routes = append(d.Routes, keepalivedRoute(e))
		case iproute.Rule:
			d.Rules = append(d.Rules, keepalivedRule(e))
		}
	}
	d.ScriptMaster, d.ScriptBackup, d.ScriptFault = quoted(s.Active), quoted(s.Backup), quoted(s.Fault)
	d.ScriptStop, d.Script = quoted(s.Stop), quoted(s.Any)
}

// track adds the trackers of the instance. A check that is not a command gets the name in its
// status; that of a file has no entry in the dump.
func (d *KeepalivedData) track(all []vrrp.Tracker, checks map[string]track.Status) {
	for _, t := range all {
		if t.Kind == vrrp.TrackInterface {
			d.TrackedInterfaces = append(d.TrackedInterfaces, t.Name)
			continue
		}
		switch probe := checks[t.Name].Probe.(type) {
		case track.Process:
			d.TrackedProcesses = append(d.TrackedProcesses, t.Name)
		case track.File:
		case track.Command:
			d.TrackedScripts = append(d.TrackedScripts, quoted(probe.Argv))
		default:
			d.TrackedScripts = append(d.TrackedScripts, checks[t.Name].Checks)
		}
	}
}

// keepalivedCounters maps keepalived's names to counters.
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
