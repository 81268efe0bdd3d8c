// Package command runs the programs of a configuration: checks, notify commands and fence commands.
// A program runs in its own process group, as its configured user, with the environment of the
// process that starts it, in /, without input, and no longer than its timeout.
//
// The contract:
//
//  1. The result is known when the program ends or when its timeout is over, whichever
//     is first. Processes that ignore SIGTERM, or that keep the output open, delay no
//     result.
//  2. At its timeout the whole process group gets SIGTERM, and SIGKILL after Grace. A
//     process that leaves its group (setsid) is not killed.
//  3. Run returns when the program has been reaped: no zombie, descriptor or goroutine is
//     left of it. A caller that waits for Run never has two of one command at once.
//  4. Of the output the first OutputLimit bytes are kept, and the rest is discarded as
//     it comes: a program that prints a gigabyte costs processor time, no memory.
//  5. A program that somebody else than root or its own user could replace is not run (see
//     CheckExecutable). This is checked before each run.
//
// To run programs as other users, root or CAP_SETUID, CAP_SETGID and CAP_KILL are needed.
package command
