// Ripcord is a VRRP daemon that acts the moment a cable is pulled, and the
// commands around it.
//
// This package interprets the command line and sets the exit code. Each command runs on one
// goroutine and waits for everything that it starts, unless that hangs at the end.
package main

import (
	"context"
	"os"
	"runtime"
)

func main() {
	runtime.MemProfileRate = 0                // nobody asks for that profile, which takes half a megabyte
	ctx := catchSignals(context.Background()) // package early has caught the others
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
