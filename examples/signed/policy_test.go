//vmtest:6.18,7.2,7.x

package main

import (
	"embed"
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/examples/signed/app"
	"github.com/bpf2lskel/bpf2lskel/examples/signed/policy"
	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/sigload"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/keyring"
)

//go:embed app/app_bpfe*.loader app/app_bpfe*.blob app/app_bpfe*.check app/app_bpfe*.sig
var appFiles embed.FS

// appPackage returns the files of the signed package, as an attacker could read them, for a form of
// signature.
func appPackage(t *testing.T, form spec.SignedForm, ring runtime.Keyring) *sigload.Package {
	t.Helper()
	read := func(ext string) string {
		stem := "app/app_bpfel"
		if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
			stem = "app/app_bpfeb"
		}
		data, err := appFiles.ReadFile(stem + ext)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	infix := "." + form.String()
	if form == spec.SignedContents {
		infix = ""
	}
	loader := read(".loader")
	return &sigload.Package{
		Loader: loader[:spec.SignedHead] + read(infix+".check") + loader[spec.SignedHead:], Blob: read(".blob"),
		Signature: read(infix + ".sig"), Keyring: ring.ID(), Listed: form == spec.SignedContents, Context: 16 * 2,
	}
}

// A signature does not cover CO-RE records, which can change the loader. The policy denies a load
// with such records, and nothing else.
func TestPolicyRefusesRelocations(t *testing.T) {
	guest.Only(t)
	ring, err := keyring.New(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.Add(ring, certificate); err != nil {
		t.Fatal(err)
	}
	opts := &runtime.LoadOptions{Keyring: ring, RequireSignature: true}
	s, err := app.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.LoadWith(opts); err != nil {
		t.Fatal(err)
	}
	p := appPackage(t, s.Core().Signature().Form, ring)
	good, relocated := p.Good(), p.Good()
	relocated.Relos = true
	if !p.Listed {
		relocated.Maps[0].Owner = p.Relocated()
	}
	if verdict := p.Try(relocated); !verdict.Verified || verdict.Retval != 1 {
		t.Fatalf("without the policy: %v, returned %d", verdict, verdict.Retval)
	}

	guard, err := policy.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	if err := guard.LoadWith(opts); err != nil {
		t.Fatal(err)
	}
	guard.Bss.TrustedKeyring = int32(ring)
	link, err := guard.Progs.DenyUnsigned.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	if verdict := p.Try(good); !verdict.Verified {
		t.Errorf("the package as it was signed: %v", verdict)
	}
	if verdict := p.Try(relocated); verdict.Err != unix.EPERM {
		t.Errorf("with CO-RE records: %v", verdict)
	}
	if n := guard.Bss.Denied; n != 1 {
		t.Errorf("denied %d loads", n)
	}
}
