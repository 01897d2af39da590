//vmtest:6.18,7.2,7.x

package runtime_test

import (
	"errors"
	goruntime "runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/cms/cmstest"
	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/impl"
	"github.com/bpf2lskel/bpf2lskel/runtime/keyring"
)

// A certificate that the process may search but not view is trusted: packages signed with others
// are refused.
func TestUnreadableCertificate(t *testing.T) {
	guest.Only(t)
	id, other := cmstest.New(t, cmstest.Options{Name: "one"}), cmstest.New(t, cmstest.Options{Name: "two"})
	spec := signWith(t, signedSpec(t, "minimal"), id)
	const search = 0x08080808
	hide := func(k runtime.Keyring) {
		if _, err := unix.KeyctlInt(unix.KEYCTL_SETPERM, int(k), search, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		hide func() (ring runtime.Keyring)
	}{
		{"the certificate", func() runtime.Keyring {
			ring := newKeyring(t)
			cert, err := keyring.Add(ring, other.Cert.Raw)
			if err != nil {
				t.Fatal(err)
			}
			hide(cert)
			return ring
		}},
		{"the keyring", func() runtime.Keyring {
			ring := newKeyring(t, other)
			hide(ring)
			return ring
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := runtime.Load(spec, &runtime.LoadOptions{Keyring: c.hide()})
			if err == nil {
				t.Errorf("the load succeeded: %+v", s.Signature())
				s.Close()
			}
			if !errors.Is(err, unix.ENOKEY) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// One of keyctl's keyrings without a constant here can be used by its number.
func TestThreadKeyring(t *testing.T) {
	guest.Only(t)
	goruntime.LockOSThread() // for good: the thread ends with the goroutine
	id := cmstest.New(t, cmstest.Options{})
	const ring runtime.Keyring = unix.KEY_SPEC_THREAD_KEYRING
	if _, err := keyring.Add(ring, id.Cert.Raw); err != nil {
		t.Fatal(err)
	}
	s, err := runtime.Load(signWith(t, signedSpec(t, "minimal"), id), &runtime.LoadOptions{Keyring: ring, RequireSignature: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := s.Signature(); !got.Verified || got.Keyring != ring || got.Keyring.String() != "thread keyring" {
		t.Errorf("%+v", got)
	}
	if _, err := runtime.Load(signWith(t, signedSpec(t, "minimal"), id), &runtime.LoadOptions{Keyring: -100}); !errors.Is(err, unix.EINVAL) ||
		!strings.Contains(err.Error(), "the keyring -100 does not exist") {
		t.Errorf("an unknown keyring number: %v", err)
	}
}

// A package that is signed only for other kernels counts as unsigned, and the error says so.
func TestSignedForOtherKernels(t *testing.T) {
	guest.Only(t)
	id := cmstest.New(t, cmstest.Options{})
	opts := &runtime.LoadOptions{Keyring: newKeyring(t, id), RequireSignature: true}
	all := signWith(t, signedSpec(t, "minimal"), id)
	s, err := runtime.Load(all, opts)
	if err != nil {
		t.Fatal(err)
	}
	here := s.Signature().Form
	s.Close()
	for form := range impl.SignedForms {
		t.Run(form.String(), func(t *testing.T) {
			spec, signed := *all, *all.Signed
			for other := range impl.SignedForms {
				if other != form {
					signed.Forms[other].Signature = ""
				}
			}
			spec.Signed = &signed
			s, err := runtime.Load(&spec, opts)
			if err == nil {
				s.Close()
			}
			if form == here {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, runtime.ErrNotSigned) || !strings.Contains(err.Error(), "for the protocol of this kernel") {
				t.Errorf("got %v", err)
			}
			s, err = runtime.Load(&spec, &runtime.LoadOptions{Keyring: opts.Keyring})
			if err != nil {
				t.Fatalf("without requiring a signature: %v", err)
			}
			defer s.Close()
			if s.Signature().Verified {
				t.Error("verified")
			}
		})
	}
}

// If the slots cannot be read after a run, the loader's file descriptors are closed as soon as they
// can be read.
func TestUnreadableSlots(t *testing.T) {
	guest.Only(t)
	id := cmstest.New(t, cmstest.Options{})
	opts := &runtime.LoadOptions{Keyring: newKeyring(t, id), RequireSignature: true}
	spec := signWith(t, signedSpec(t, "globals"), id)
	load := func() {
		s, err := runtime.Load(spec, opts)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	load()
	before := openFDs(t)
	t.Run("", func(t *testing.T) {
		refuseCommand(t, unix.BPF_MAP_LOOKUP_ELEM, unix.ENOMEM)
		s, err := runtime.Load(spec, opts)
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, unix.ENOMEM) || !strings.Contains(err.Error(), "read the loader's map") {
			t.Errorf("got %v", err)
		}
	})
	if openFDs(t) <= before {
		t.Error("the loader has created nothing: the test shows nothing")
	}
	load()
	if after := openFDs(t); after != before {
		t.Errorf("%d open files, %d before", after, before)
	}
}
