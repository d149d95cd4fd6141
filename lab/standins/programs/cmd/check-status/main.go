// Command check-status is the probe of the stand-in for Calico's kube-controllers.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 2 || (os.Args[1] != "-r" && os.Args[1] != "-l") {
		fmt.Fprintln(os.Stderr, "usage: check-status -r|-l (lab stand-in)")
		os.Exit(2)
	}
	client := &http.Client{Timeout: 8 * time.Second}
	answer, err := client.Get("http://127.0.0.1:9094/")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 2000))
		fmt.Fprint(os.Stderr, string(text))
		os.Exit(1)
	}
	fmt.Println("Ready")
}
