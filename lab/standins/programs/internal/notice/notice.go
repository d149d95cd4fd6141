// Package notice holds the words by which every stand-in says what it is, so that nobody takes it for the original.
package notice

import (
	"fmt"
	"os"
	"strings"
)

// Annotation is set on Kubernetes objects that a stand-in made or changed; its value is what is not done. Whoever
// verifies a cluster reads it and reports that part as "not verified here". On the lease of kube-vip it is a label, as
// client-go sets no annotations there.
const Annotation = "lab.detectviz.io/standin"

// Notice tells which program this stands for and what it leaves out.
type Notice struct {
	Original string
	Does     []string
	DoesNot  []string
}

// Version of the original whose name and tag the image carries, as the image says it.
func Version() string {
	if version := os.Getenv("STANDIN_FOR_VERSION"); version != "" {
		return version
	}
	return "unknown"
}

// Metric tells Prometheus what answers here.
func Metric(original string) string {
	return fmt.Sprintf("# TYPE lab_standin_info gauge\nlab_standin_info{original=%q,version=%q} 1\n", original, Version())
}

// Short is one line for logs and annotations.
func (n Notice) Short() string {
	return fmt.Sprintf("lab stand-in for %s: not done: %s", n.Original, strings.Join(n.DoesNot, "; "))
}

// Help is the whole text, for --help.
func (n Notice) Help() string {
	var text strings.Builder
	fmt.Fprintf(&text, "This is NOT %s. It is a stand-in written for the lab of detectviz.infra,\n", n.Original)
	text.WriteString("for machines where the original image cannot be had. Use it nowhere else.\n\nWhat it does:\n")
	for _, line := range n.Does {
		fmt.Fprintf(&text, "  - %s\n", line)
	}
	text.WriteString("\nWhat it does NOT do:\n")
	for _, line := range n.DoesNot {
		fmt.Fprintf(&text, "  - %s\n", line)
	}
	return text.String()
}

// AskedForHelp tells whether the command line asks for the text instead of the work.
func AskedForHelp(arguments []string) bool {
	for _, argument := range arguments {
		switch argument {
		case "-h", "-help", "--help", "help":
			return true
		}
	}
	return false
}
