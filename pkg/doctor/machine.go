package doctor

import "strconv"

// machineChecks are about what runs on this machine, and what ripcord may do there.
var machineChecks = []check{
	{
		name: "other-daemon", severity: Error,
		what:   "{program} (pid {pid}) speaks VRRP on this machine, too",
		why:    "two daemons may hold one address, and each takes the adverts of the other for those of a clone",
		remedy: "stop it before ripcord serves: `systemctl disable --now {program}`",
		look:   otherDaemons,
	},
	{
		name: "no-real-time", severity: Warning,
		what:   "threads cannot run in real time: {error}",
		why:    "on a busy machine adverts leave late, and another router takes over",
		remedy: "CAP_SYS_NICE or `LimitRTPRIO=1`, for ripcord-runner.service under systemd; of a container `--cap-add SYS_NICE`",
		look:   noRealTime,
	},
	{
		name: "no-memory-lock", severity: Warning,
		what:   "memory cannot be locked: {error}",
		why:    "on a machine that lacks memory a failover waits for the disk",
		remedy: "`LimitMEMLOCK=infinity` and CAP_IPC_LOCK, as in ripcord.service; of a container `--cap-add IPC_LOCK`",
		look:   noMemoryLock,
	},
	{
		name: "clock-free", severity: Warning,
		what:   "nothing keeps the clock of this machine right, and {instance} compares the time of signed adverts",
		why:    "when it is off by more than `window` adverts are discarded, and both routers become Active",
		remedy: "`timedatectl set-ntp true`, or chrony",
		look:   freeClock,
	},
	{
		name: "not-looked-at", severity: Warning,
		what:   "{what} could not be looked at: {error}",
		why:    "what is wrong there was not found",
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
