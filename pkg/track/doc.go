// Package track runs the checks of the configuration: commands, processes, files, TCP ports, HTTP
// answers and pings. It reports the state of each check; other packages decide what a state means
// for a virtual router, a fault or a priority.
//
// The parts: Health (health.go) derives the state of a check from its results by rise
// and fall, and Schedule (schedule.go) spreads the runs over the interval; both are
// pure, and pkg/sim plays checks with them. A task (task.go) is the goroutine of one check,
// with a prober that does the work (command.go, file.go, process.go, tcp.go, http.go, and
// ping_linux.go). The Runner (runner.go) starts and stops the tasks and owns all states. The
// files *_linux.go hold the descriptors.
//
// The contract:
//
//  1. There is at most one run of a check at a time. A run that takes longer than the
//     interval costs the runs that were due meanwhile, which are counted and not made up
//     for. No check waits for another one.
//  2. A result is reported at the timeout of the check at the latest, even where what is
//     left of the run ends later. A command that could not be run since the process that
//     runs commands is lost (command.ErrLost) has no result: the state stays as it is. So
//     have processes that only that process could have shown.
//  3. Reports come from the goroutine that calls Run, one at a time, in order. They must
//     not block: the checks would wait.
//  4. A check is reported when it starts, at its first result, and whenever its state or
//     its value changes; a file check also when its error changes.
//  5. Apply replaces the whole set. A check whose Probe did not change keeps its state. A
//     report of a check that was removed may come until Run has taken up the new set.
//  6. When Run returns, no process, goroutine or descriptor of a check is left, except
//     for a process that the kernel does not even end on SIGKILL.
package track
