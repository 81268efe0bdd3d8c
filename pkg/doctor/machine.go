package doctor

import "strconv"

// machineChecks are about what runs on this machine, and what ripcord may do there.
var machineChecks = []check{
	{
		name: "other-daemon", severity: Error,
		what:   "{program} (pid {pid}) also runs VRRP on this machine",
		why:    "two daemons may hold the same address, and each considers the other's adverts those of a cloned machine",
		remedy: "stop it before you start ripcord: `systemctl disable --now {program}`",
		look:   otherDaemons,
	},
	{
		name: "no-real-time", severity: Warning,
		what:   "no thread can get real-time scheduling: {error}",
		why:    "on a busy machine adverts are late, and another router takes over",
		remedy: "CAP_SYS_NICE or `LimitRTPRIO=1`, under systemd for ripcord-runner.service; for a container `--cap-add SYS_NICE`",
		look:   noRealTime,
	},
	{
		name: "no-memory-lock", severity: Warning,
		what:   "memory cannot be locked: {error}",
		why:    "if the machine runs out of memory, a failover waits for the disk",
		remedy: "`LimitMEMLOCK=infinity` and CAP_IPC_LOCK, as in ripcord.service; for a container `--cap-add IPC_LOCK`",
		look:   noMemoryLock,
	},
	{
		name: "clock-free", severity: Warning,
		what:   "the clock of this machine is not synchronised, and {instance} checks the time of signed adverts",
		why:    "if the clock is off by more than `window`, adverts are rejected, and both routers become Active",
		remedy: "`timedatectl set-ntp true`, or chrony",
		look:   freeClock,
	},
	{
		name: "not-looked-at", severity: Warning,
		what:   "ripcord could not check {what}: {error}",
		why:    "problems there were not found",
		remedy: "run `ripcord doctor` as root, in the network namespace of the router",
		look:   unread,
	},
}

func otherDaemons(f *Facts) (all []found) {
	for _, p := range f.Programs {
		if p.Name != ownName {
			all = append(all, found{"subject": machine, "program": p.Name, "pid": itoa(p.PID)})
		}
	}
	return all
}

func noRealTime(f *Facts) []found { return ifAny(f.RealTime) }

func noMemoryLock(f *Facts) []found { return ifAny(f.Memory) }

// ifAny returns a finding about the machine if there is an error.
func ifAny(err string) []found {
	if err == "" {
		return nil
	}
	return []found{{"subject": machine, "error": err}}
}

func freeClock(f *Facts) []found {
	for in := range f.instances() {
		if f.ClockFree && in.HMAC != nil && in.HMAC.Window > 0 {
			return []found{{"subject": machine, "instance": in.Name}}
		}
	}
	return nil
}

func unread(f *Facts) (all []found) {
	for _, u := range f.Unread {
		all = append(all, found{"subject": machine, "what": u.What, "error": u.Err})
	}
	return all
}

func itoa(n int) string { return strconv.Itoa(n) }
