package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"ripcord/pkg/config"
)

// newConvert returns the command that translates a keepalived.conf.
func newConvert() *cobra.Command {
	var o config.Options
	c := &cobra.Command{
		Use:   "convert FILE",
		Short: "Print keepalived.conf in ripcord's own language, with a comment for each thing that differs",
		Long: "Print keepalived.conf in ripcord's own language, as ripcord.yaml: what all instances share\n" +
			"stands under defaults, ripcord's own checks replace commands that do the same, and what\n" +
			"differs or is not done is a comment at its place.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.ID == "" {
				o.ID, _ = os.Hostname() // without a name, no line with @ID applies
			}
			yaml, err := config.Convert(args[0], o)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.OutOrStdout(), yaml)
			return err
		},
	}
	c.Flags().StringVar(&o.ID, "id", "", "what lines with @ID are for (default the name of this machine)")
	c.Flags().BoolVar(&o.WithoutLVS, "without-lvs", false, "another program does the load balancing of the file, as keepalived --check")
	return c
}
