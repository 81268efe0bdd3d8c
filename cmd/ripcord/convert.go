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
		Short: "Convert a keepalived.conf to ripcord.yaml, with a comment for each difference",
		Long: "Print a keepalived.conf as ripcord.yaml. Settings that all instances share are under\n" +
			"defaults, and ripcord's own checks replace equivalent commands. A comment marks each\n" +
			"setting that differs or is not supported.",
		Args: oneArgument("a keepalived.conf"),
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
	c.Flags().StringVar(&o.ID, "id", "", "select lines with @ID (default: the host name)")
	c.Flags().BoolVar(&o.WithoutLVS, "without-lvs", false, "another program does the load balancing of the file, for example keepalived --check")
	return c
}
