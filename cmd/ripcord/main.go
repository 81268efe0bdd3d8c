// Ripcord is a VRRP daemon that acts the moment a cable is pulled, and the
// commands around it.
//
// This package decides what the words on the command line mean and with which
// code the program ends. The commands run on one goroutine; what they start
// they wait for.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run()) }

// run gives the command a context that ends with the first SIGINT or SIGTERM.
// After it the signals are as they were, so that a second one ends a program
// that hangs.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
}
