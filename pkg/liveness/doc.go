// Package liveness watches the machines of Actives (`probe`, docs/probe.md): a Backup sends
// questions, by ARP or neighbor discovery, to the address from which its Active advertises, many
// times a second. The kernel of that machine answers as long as it has power and a cable, whatever
// its VRRP daemon does; so if regular answers cease, the Backup knows within a fraction of an
// advert interval that the machine is gone.
//
// Record evaluates one machine by its answers; Table knows which machines are watched for which
// instances and what to ask next. Both are pure, and time is an argument. Watcher is the goroutine
// with the sockets. pkg/vrrp/machine/liveness.go decides what follows for the state of a group.
//
// The contract:
//
//  1. A machine is asked once per link and address, however many instances it serves.
//  2. A question counts as unanswered only if it left, this process was awake when its answer was
//     due, and all that had been received by then was read. After a pause of its own, or lost
//     messages, the count begins again.
//  3. Any answer from the address counts, by whichever MAC. Once one is missing, the questions go
//     to all stations, so that a machine whose MAC has changed is heard.
//  4. While answers are missing other stations are asked in the same batches.
package liveness
