package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

// The test binary is also the child process.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case "hang":
			time.Sleep(time.Hour)
		case "refuse":
			os.Stdout.WriteString("load a program: operation not permitted\n")
			os.Exit(1)
		case "well":
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

func TestAsk(t *testing.T) {
	for _, tt := range []struct {
		child string
		limit time.Duration
		want  string
	}{
		{"well", time.Minute, ""},
		{"refuse", time.Minute, "operation not permitted"},
		{"hang", time.Second, "still hangs after 1s"},
	} {
		switch err := ask(tt.child, tt.limit); {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.child, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want %q", tt.child, err, tt.want)
		}
	}
}
