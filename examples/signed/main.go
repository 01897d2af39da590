// Command signed demonstrates a policy that the kernel enforces: while it is attached, only
// packages that were signed with the right key load.
//
// It puts the certificate into a new keyring, loads the policy (itself a signed package), and then
// tries to load an unsigned package and a signed one.
package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/examples/signed/app"
	"github.com/bpf2lskel/bpf2lskel/examples/signed/policy"
	unsigned "github.com/bpf2lskel/bpf2lskel/examples/xdp/skel"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/keyring"
)

//go:generate go tool bpf2lskel -o policy -signed policy.bpf.c
//go:generate go tool bpf2lskel -o app -signed app.bpf.c
//go:generate go run ./sign policy app

//go:embed cert.pem
var certificate []byte

func main() {
	log.SetFlags(0)
	if err := run(os.Stdout); err != nil {
		log.Fatal("signed: ", err)
	}
}

func run(out io.Writer) error {
	ring, err := keyring.New("bpf2lskel example")
	if err != nil {
		return err
	}
	if _, err := keyring.Add(ring, certificate); err != nil {
		return err
	}
	opts := &runtime.LoadOptions{Keyring: ring, RequireSignature: true}

	p, err := policy.Open()
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.LoadWith(opts); err != nil {
		return err
	}
	p.Bss.TrustedKeyring = int32(ring)
	link, err := p.Progs.DenyUnsigned.Attach(nil)
	if err != nil {
		return err
	}
	defer link.Close()
	fmt.Fprintln(out, "policy: attached, verified")

	if err := tryUnsigned(out); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("the policy did not deny an unsigned package: %v", err)
	}
	if err := trySigned(out, opts); err != nil {
		return err
	}
	fmt.Fprintf(out, "policy: denied %d loads\n", p.Bss.Denied)

	if err := link.Close(); err != nil {
		return err
	}
	fmt.Fprintln(out, "policy: detached")
	return tryUnsigned(out)
}

// tryUnsigned loads an unsigned package.
func tryUnsigned(out io.Writer) error {
	s, err := unsigned.Load()
	if err != nil {
		fmt.Fprintln(out, "unsigned package:", err)
		return err
	}
	fmt.Fprintln(out, "unsigned package: loads")
	return s.Close()
}

// trySigned loads a signed package and runs its program.
func trySigned(out io.Writer, opts *runtime.LoadOptions) error {
	s, err := app.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.LoadWith(opts); err != nil {
		fmt.Fprintln(out, "signed package:", err)
		return err
	}
	n, err := s.Progs.Count.Run()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "signed package: loads; runs so far: %d\n", n)
	return nil
}
