package main

import (
	"testing"

	"ripcord/pkg/config"
	"ripcord/pkg/config/configtest"
	"ripcord/pkg/link"
)

// TestDefaultsAreTheDaemons keeps what `ripcord link` and `ripcord doctor` take as the settings of a
// link equal to what the daemon takes when the file says nothing.
func TestDefaultsAreTheDaemons(t *testing.T) {
	cfg, err := config.Parse("ripcord.yaml", []byte(configtest.Smallest))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := link.Defaults(), cfg.DefaultLink; got != want {
		t.Errorf("link.Defaults() is %+v, the configuration's default is %+v", got, want)
	}
}
