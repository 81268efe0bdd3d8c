// Package wakeup lets a goroutine sleep in the kernel until a descriptor is readable, an
// instant has come, or another goroutine wakes it. Alarm is the descriptor by which one
// goroutine wakes another; Waiter sleeps exactly, on a thread of its own; Epoll waits
// for many descriptors by Go's own poller.
package wakeup
