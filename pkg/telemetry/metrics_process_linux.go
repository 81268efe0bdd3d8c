package telemetry

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ofProcess returns the metrics of the daemon's process that every exporter of Prometheus has.
func ofProcess(since time.Time) []family {
	return []family{
		{"process_start_time_seconds", "Start time of the process, in seconds since 1970.", gauge, func(p *page, _ *scrape) {
			p.put(seconds(since), "")
		}},
		{"process_cpu_seconds_total", "CPU time of the process, of user and system together.", counter, func(p *page, _ *scrape) {
			var used unix.Rusage
			if unix.Getrusage(unix.RUSAGE_SELF, &used) == nil {
				p.put(float64(used.Utime.Nano()+used.Stime.Nano())/1e9, "")
			}
		}},
		{"process_virtual_memory_bytes", "Size of the process's address space.", gauge, func(p *page, _ *scrape) { p.putPages(0) }},
		{"process_resident_memory_bytes", "Memory of the process that is resident (VmRSS).", gauge, func(p *page, _ *scrape) { p.putPages(1) }},
		{"process_virtual_memory_max_bytes", "Limit of the address space.", gauge, func(p *page, _ *scrape) { p.putLimit(unix.RLIMIT_AS) }},
		{"process_max_fds", "Limit of open file descriptors.", gauge, func(p *page, _ *scrape) { p.putLimit(unix.RLIMIT_NOFILE) }},
		{"process_open_fds", "Number of open file descriptors.", gauge, func(p *page, _ *scrape) {
			if open, err := os.ReadDir("/proc/self/fd"); err == nil {
				p.put(float64(len(open)-1), "") // without the one that reads the directory
			}
		}},
	}
}

// putPages writes a field of /proc/self/statm, which has pages, in bytes.
func (p *page) putPages(field int) {
	var pages [2]int
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return
	}
	if _, err := fmt.Sscan(string(text), &pages[0], &pages[1]); err == nil {
		p.put(float64(pages[field]*os.Getpagesize()), "")
	}
}

// putLimit writes a limit of the process, as a number if there is none.
func (p *page) putLimit(resource int) {
	var limit unix.Rlimit
	if unix.Getrlimit(resource, &limit) == nil {
		p.put(float64(limit.Cur), "")
	}
}
