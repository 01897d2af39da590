// The command demo shows the xdp example at work, with no hardware: two
// network namespaces joined by a veth pair, real traffic from one to the
// other, and the example counting it. It exits with status 0 only if the counts are right.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	pings     = 5
	datagrams = 7
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("demo: ")
	if err := demo(); err != nil {
		log.Fatal(err)
	}
}

func demo() error {
	// Namespaces belong to threads.
	runtime.LockOSThread()
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

	hosts, err := newHosts()
	if err != nil {
		return err
	}
	defer hosts.close()

	if err := hosts.enter(hosts.receiver); err != nil {
		return err
	}
	fmt.Println("$ xdp veth0")
	cmd := exec.Command(xdp, "veth0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil { // it counts from here on
		return fmt.Errorf("the example did not start: %w", err)
	}

	if err := hosts.enter(hosts.sender); err != nil {
		return err
	}
	if err := send(); err != nil {
		return err
	}

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
	return check(table)
}

// send sends pings and datagrams to the receiver.
func send() error {
	fmt.Printf("sending %d ICMP echo requests and %d UDP datagrams\n", pings, datagrams)
	var out bytes.Buffer
	ping := exec.Command("ping", "-q", "-n", "-c", strconv.Itoa(pings), "-i", "0.1", "-W", "2", receiverIP)
	ping.Stdout, ping.Stderr = &out, &out
	if err := ping.Run(); err != nil {
		return fmt.Errorf("ping: %w\n%s", err, out.Bytes())
	}
	conn, err := net.Dial("udp4", net.JoinHostPort(receiverIP, "9"))
	if err != nil {
		return err
	}
	defer conn.Close()
	for sent := 0; sent < datagrams; {
		// No one listens: instead of sending, a write may report the ICMP error
		// that came back for an earlier one.
		_, err := conn.Write(make([]byte, 100))
		switch {
		case err == nil:
			sent++
		case !errors.Is(err, syscall.ECONNREFUSED):
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
	return nil
}

// check compares the table with what was sent.
func check(table []byte) error {
	want := map[string][2]int{
		// Ethernet 14, IPv4 20; echo requests of 8 + 56 bytes, datagrams of 8 + 100.
		"ICMP": {pings, pings * (14 + 20 + 8 + 56)},
		"UDP":  {datagrams, datagrams * (14 + 20 + 8 + 100)},
	}
	row := regexp.MustCompile(`(?m)^\s*veth0\s+(\S+)\s+(\d+)\s+(\d+)\s*$`)
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
