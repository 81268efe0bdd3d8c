// Ripcord is a VRRP daemon that acts the moment a cable is pulled, and the
// commands around it.
//
// This package decides what the words on the command line mean and with which
// code the program ends. The commands run on one goroutine; what they start
// they wait for, unless it hangs when they are told to end.
package main

import (
	"context"
	"os"
)

func main() {
	ctx := catchSignals(context.Background()) // before anything else
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
