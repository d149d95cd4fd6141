package calico

import (
	"fmt"
	"strconv"
	"strings"
)

// Felix are the settings of Felix that have an effect here. All others are not read.
type Felix struct {
	VXLANMTU       int // 0: the parent's MTU less 50
	VXLANVNI       int
	VXLANPort      int
	HealthEnabled  bool
	HealthHost     string
	HealthPort     int
	MetricsEnabled bool
	MetricsHost    string
	MetricsPort    int
}

// ResolveFelix puts the settings together. As with the original, the environment (FELIX_*) wins over the node's
// FelixConfiguration (node.<name>), and that over the cluster's (default) — whatever the environment's value is:
// FELIX_VXLANMTU=0 makes the MTU automatic however FelixConfiguration sets it.
func ResolveFelix(environment []string, node, cluster map[string]any) (Felix, error) {
	sources := []map[string]string{fromEnvironment(environment), lowered(node), lowered(cluster)}
	read := &felixReader{sources: sources}
	felix := Felix{
		VXLANMTU:       read.number("vxlanMTU", 0),
		VXLANVNI:       read.number("vxlanVNI", 4096),
		VXLANPort:      read.number("vxlanPort", 4789),
		HealthEnabled:  read.truth("healthEnabled", false),
		HealthHost:     read.text("healthHost", "localhost"),
		HealthPort:     read.number("healthPort", 9099),
		MetricsEnabled: read.truth("prometheusMetricsEnabled", false),
		MetricsHost:    read.text("prometheusMetricsHost", ""),
		MetricsPort:    read.number("prometheusMetricsPort", 9091),
	}
	return felix, read.problem
}

func fromEnvironment(environment []string) map[string]string {
	found := map[string]string{}
	for _, line := range environment {
		name, value, _ := strings.Cut(line, "=")
		if name, is := strings.CutPrefix(strings.ToLower(name), "felix_"); is {
			found[name] = value
		}
	}
	return found
}

func lowered(spec map[string]any) map[string]string {
	found := map[string]string{}
	for name, value := range spec {
		switch value.(type) {
		case map[string]any, []any, nil:
		default:
			found[strings.ToLower(name)] = fmt.Sprint(value)
		}
	}
	return found
}

type felixReader struct {
	sources []map[string]string
	problem error
}

func (r *felixReader) text(name, otherwise string) string {
	for _, source := range r.sources {
		if value, is := source[strings.ToLower(name)]; is {
			if value == "" || strings.EqualFold(value, "none") {
				return otherwise
			}
			return value
		}
	}
	return otherwise
}

func (r *felixReader) number(name string, otherwise int) int {
	text := r.text(name, strconv.Itoa(otherwise))
	value, err := strconv.Atoi(text)
	if err != nil || value < 0 {
		r.problem = fmt.Errorf("Felix setting %s is %q: a whole number is needed", name, text)
		return otherwise
	}
	return value
}

func (r *felixReader) truth(name string, otherwise bool) bool {
	text := r.text(name, strconv.FormatBool(otherwise))
	value, err := strconv.ParseBool(text)
	if err != nil {
		r.problem = fmt.Errorf("Felix setting %s is %q: true or false is needed", name, text)
		return otherwise
	}
	return value
}
