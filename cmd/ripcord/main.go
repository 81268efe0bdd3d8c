// Ripcord is a VRRP daemon that acts the moment a cable is pulled, and the
// commands around it.
//
// This package interprets the command line and sets the exit code. The commands run on one
// goroutine, and wait for all they start, unless it hangs at the end.
package main

import (
	"context"
	"os"
	"runtime"
)

func main() {
	runtime.MemProfileRate = 0                // nobody asks for that profile, which takes half a megabyte
	ctx := catchSignals(context.Background()) // before anything else
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
