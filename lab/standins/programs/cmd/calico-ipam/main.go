// Command calico-ipam is only here for the manifest's container upgrade-ipam: there is no Calico IPAM to upgrade.
package main

import (
	"fmt"
	"os"

	"detectviz.infra/lab/standins/internal/cni"
	"detectviz.infra/lab/standins/internal/notice"
)

func main() {
	if notice.AskedForHelp(os.Args[1:]) {
		fmt.Print(cni.About.Help())
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "-upgrade" {
		fmt.Println("Nothing to upgrade.", cni.About.Short())
		return
	}
	fmt.Fprintln(os.Stderr, "The stand-in has no calico-ipam; its calico plugin uses host-local.")
	os.Exit(2)
}
