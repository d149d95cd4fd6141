// Command calico-cni-install is /opt/cni/bin/install of the stand-in for calico/cni: see --help.
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
	fmt.Println(cni.About.Short())
	if err := cni.Install("/opt/cni/bin", "/host/opt/cni/bin", "/host/etc/cni/net.d", os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
