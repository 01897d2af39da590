// Command demo runs the xdp example without hardware. It joins two network namespaces with a veth
// pair, sends traffic from one to the other, and has the example count it. It exits with status 0
// only if the counts are right.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/netlab"
)

const (
	pings         = 5
	pingBytes     = 56 // of data
	datagrams     = 7
	datagramBytes = 100 // of data
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("demo: ")
	if err := demo(); err != nil {
		log.Fatal(err)
	}
}

func demo() error {
	dir, err := os.MkdirTemp("", "xdp-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	xdp := filepath.Join(dir, "xdp")
	build := exec.Command("go", "build", "-o", xdp, "./examples/xdp")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build the example: %w", err)
	}

	receiver, sender, err := netlab.Pair()
	if err != nil {
		return err
	}
	defer receiver.Close()
	defer sender.Close()

	fmt.Println("$ xdp", receiver.Interface)
	cmd := exec.Command(xdp, receiver.Interface)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := receiver.Do(cmd.Start); err != nil {
		return err
	}
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil { // printed once it counts
		return fmt.Errorf("the example did not start: %w", err)
	}

	fmt.Printf("sending %d ICMP echo requests and %d UDP datagrams\n", pings, datagrams)
	if err := sender.Ping(receiver, pings, pingBytes); err != nil {
		return err
	}
	if err := sender.SendUDP(receiver, "9", datagrams, datagramBytes); err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond) // for packets on their way

	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	table, err := io.ReadAll(lines)
	if err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("the example failed: %w", err)
	}
	os.Stdout.Write(table)
	return check(receiver.Interface, table)
}

// check compares the table with what was sent.
func check(name string, table []byte) error {
	const headers = 14 + 20 // Ethernet, IPv4
	want := map[string][2]int{
		"ICMP": {pings, pings * (headers + 8 + pingBytes)},
		"UDP":  {datagrams, datagrams * (headers + 8 + datagramBytes)},
	}
	row := regexp.MustCompile(`(?m)^\s*` + name + `\s+(\S+)\s+(\d+)\s+(\d+)\s*$`)
	got := make(map[string][2]int)
	for _, m := range row.FindAllStringSubmatch(string(table), -1) {
		packets, _ := strconv.Atoi(m[2])
		size, _ := strconv.Atoi(m[3])
		got[m[1]] = [2]int{packets, size}
	}
	var wrong []string
	for protocol, w := range want {
		if g := got[protocol]; g != w {
			wrong = append(wrong, fmt.Sprintf("%s: counted %d packets and %d bytes, sent %d and %d", protocol, g[0], g[1], w[0], w[1]))
		}
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	fmt.Println("the counts are right")
	return nil
}
