// Package wakeup lets a goroutine sleep in the kernel until a descriptor is readable, an instant
// has come, or another goroutine wakes it. Alarm is the descriptor with which one goroutine wakes
// another; Waiter sleeps with high precision, on a thread of its own, and can ask questions meanwhile;
// Epoll waits for many descriptors with Go's own poller.
package wakeup
