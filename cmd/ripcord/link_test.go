package main

import (
	"testing"

	"ripcord/pkg/config"
	"ripcord/pkg/config/configtest"
	"ripcord/pkg/link"
)

// TestDefaultsAreTheDaemons compares the settings of a link that `ripcord link` and `ripcord
// doctor` assume with those of the daemon for a file that sets none.
func TestDefaultsAreTheDaemons(t *testing.T) {
	cfg, err := config.Parse("ripcord.yaml", []byte(configtest.Smallest))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := link.Defaults(), cfg.DefaultLink; got != want {
		t.Errorf("link.Defaults() is %+v, the configuration's default is %+v", got, want)
	}
}
