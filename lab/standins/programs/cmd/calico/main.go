// Command calico stands in for Calico's CNI plugin in the lab: see --help.
package main

import (
	"fmt"
	"os"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/version"

	"detectviz.infra/lab/standins/internal/cni"
	"detectviz.infra/lab/standins/internal/notice"
)

func main() {
	if notice.AskedForHelp(os.Args[1:]) {
		fmt.Print(cni.About.Help())
		return
	}
	skel.PluginMainFuncs(cni.Functions(), version.PluginSupports("0.3.0", "0.3.1", "0.4.0", "1.0.0"), cni.About.Short())
}
