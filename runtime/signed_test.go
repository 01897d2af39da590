//vmtest:6.18,7.2,7.x

package runtime_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/cms"
	"github.com/bpf2lskel/bpf2lskel/internal/cms/cmstest"
	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/impl"
	"github.com/bpf2lskel/bpf2lskel/runtime/keyring"
)

// signedSpec returns the Spec of an object, ready for signing.
func signedSpec(t *testing.T, name string) *runtime.Spec {
	t.Helper()
	obj, err := object.Read(testobj.Compile(t, name, testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := loader.Generate(obj, loader.Options{Signed: true})
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// signWith signs all forms of a package.
func signWith(t *testing.T, spec *runtime.Spec, id *cmstest.Identity) *runtime.Spec {
	t.Helper()
	signed := *spec.Signed
	for form := range impl.SignedForms {
		signed.Forms[form].Signature = string(id.Sign(t, []byte(spec.SignedBytes(form))))
	}
	s := *spec
	s.Signed = &signed
	return &s
}

// newKeyring creates a keyring with these certificates.
func newKeyring(t *testing.T, ids ...*cmstest.Identity) runtime.Keyring {
	t.Helper()
	ring, err := keyring.New(fmt.Sprint(t.Name(), time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = unix.KeyctlInt(unix.KEYCTL_UNLINK, int(ring), unix.KEY_SPEC_USER_KEYRING, 0, 0)
	})
	for _, id := range ids {
		if _, err := keyring.Add(ring, id.Cert.Raw); err != nil {
			t.Fatal(err)
		}
	}
	return ring
}

func view(t *testing.T, s *runtime.Skeleton) sameload.View {
	t.Helper()
	maps, programs := map[string]int{}, map[string]int{}
	for i := range s.Spec().Maps {
		maps[s.Map(i).Name()] = s.Map(i).FD()
	}
	for i := range s.Spec().Programs {
		if p := s.Program(i); p.FD() >= 0 {
			programs[p.Name()] = p.FD()
		}
	}
	v, err := sameload.Describe(maps, programs)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Signed packages are verified and load the same as unsigned ones.
func TestSignedIsTheSameLoad(t *testing.T) {
	guest.Only(t)
	id := cmstest.New(t, cmstest.Options{})
	ring := newKeyring(t, id)
	guest.Module(t, "nf_conntrack")
	for _, name := range []string{
		"minimal", "globals", "globals_sections", "core_fields", "core_many", "map_in_map", "map_in_map_shared", "prog_array", "callbacks",
		"subprogs", "strings", "map_unused", "core_subprogs", "big_200_maps", "many_programs", "extern/conntrack", "extern/ksym_typeless", "extern/kfunc_places", "extern/mixed",
	} {
		t.Run(name, func(t *testing.T) {
			spec := signedSpec(t, name)
			path := testobj.Compile(t, name, testobj.Options{})
			obj, err := object.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := loader.Generate(obj, loader.Options{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := runtime.Load(plain, nil)
			if err != nil {
				t.Fatalf("unsigned: %+v", err)
			}
			defer want.Close()
			got, err := runtime.Load(signWith(t, spec, id), &runtime.LoadOptions{Keyring: ring, RequireSignature: true})
			if err != nil {
				t.Fatalf("signed: %+v", err)
			}
			defer got.Close()
			if s := got.Signature(); !s.Verified || s.Keyring != ring || s.Reason != "" {
				t.Errorf("signature: %+v", s)
			}
			if diff := sameload.Diff(view(t, want), view(t, got)); diff != "" {
				t.Errorf("the loads differ (-unsigned +signed):\n%s", diff)
			}
			t.Logf("%v; %d instructions instead of %d", got.Signature().Form, len(spec.Loader)/8, len(plain.Loader)/8)
			if len(testobj.Runs(t, name)) > 0 {
				maps, programs := map[string]int{}, map[string]int{}
				for i := range spec.Maps {
					maps[got.Map(i).Name()] = got.Map(i).FD()
				}
				for i := range spec.Programs {
					programs[got.Program(i).Name()] = got.Program(i).FD()
				}
				testobj.CheckRuns(t, name, path, maps, programs)
			}
		})
	}
}

// The error says what is wrong with a signature, and cms.Verify agrees.
func TestSignatureErrors(t *testing.T) {
	guest.Only(t)
	id, other := cmstest.New(t, cmstest.Options{Name: "one"}), cmstest.New(t, cmstest.Options{Name: "two"})
	impostor := cmstest.New(t, cmstest.Options{Name: "one", Serial: id.Cert.SerialNumber})
	old := cmstest.New(t, cmstest.Options{NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)})
	spec := signedSpec(t, "minimal")
	cut := signWith(t, spec, id)
	for i := range cut.Signed.Forms {
		sig := &cut.Signed.Forms[i].Signature
		*sig = (*sig)[:len(*sig)-1]
	}
	for _, c := range []struct {
		name  string
		spec  *runtime.Spec
		ring  runtime.Keyring
		cert  *cmstest.Identity // for cms.Verify
		errno error
		says  string
	}{
		{"good", signWith(t, spec, id), newKeyring(t, id, other), id, nil, ""},
		{"empty keyring", signWith(t, spec, id), newKeyring(t), nil, unix.ENOKEY, "has no certificate"},
		{"foreign certificate", signWith(t, spec, id), newKeyring(t, other), other, unix.ENOKEY, "is not one of the 1 certificates"},
		{"wrong key", signWith(t, spec, impostor), newKeyring(t, id), id, unix.EKEYREJECTED, "the key is not that of certificate"},
		{"truncated", cut, newKeyring(t, id), id, unix.EBADMSG, "damaged"},
		{"no keyring", signWith(t, spec, id), 2147483, nil, unix.EINVAL, "the keyring 2147483 does not exist"},
		{"not signed", spec, newKeyring(t, id), nil, runtime.ErrNotSigned, "no signature"},
		{"builtin keyring", signWith(t, spec, id), runtime.BuiltinKeyring, nil, unix.ENOKEY, "not in the builtin keyring"},
		{"platform keyring", signWith(t, spec, id), runtime.PlatformKeyring, nil, unix.ENOKEY, "not in the platform keyring"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := runtime.Load(c.spec, &runtime.LoadOptions{Keyring: c.ring, RequireSignature: true})
			if err == nil {
				s.Close()
			} else {
				t.Log(err)
			}
			if !errors.Is(err, c.errno) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %v and %q", err, c.errno, c.says)
			}
			if c.cert != nil {
				says := cms.Verify([]byte(c.spec.SignedBytes(0)), []byte(c.spec.Signed.Forms[0].Signature), c.cert.Cert)
				if (says == nil) != (err == nil) {
					t.Errorf("the kernel says %v, verify %v", err, says)
				}
			}
		})
	}
	t.Run("expired", func(t *testing.T) {
		_, err := keyring.Add(newKeyring(t), old.Cert.Raw)
		if !errors.Is(err, keyring.ErrExpired) {
			t.Errorf("added: %v", err)
		}
		if says := cms.CheckTime(old.Cert, time.Now()); !errors.Is(says, cms.ErrExpired) {
			t.Errorf("verify: %v", says)
		}
		// The kernel does not check a certificate's dates: if it is added by other means, the
		// package verifies.
		ring := newKeyring(t)
		serial, err := unix.AddKey("asymmetric", "old", old.Cert.Raw, int(ring.ID()))
		if err != nil {
			t.Fatal(err)
		}
		opts := &runtime.LoadOptions{Keyring: ring, RequireSignature: true}
		s, err := runtime.Load(signWith(t, spec, old), opts)
		if err != nil {
			t.Fatalf("the kernel checks dates: %v", err)
		}
		s.Close()
		// The kernel does check a key's timeout, which keyring.Add sets.
		if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, serial, 1, 0, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond)
		if s, err = runtime.Load(signWith(t, spec, old), opts); err == nil {
			s.Close()
			t.Error("the load succeeded with an expired key")
		}
		t.Log(err)
	})
	t.Run("revoked", func(t *testing.T) {
		ring := newKeyring(t)
		serial, err := keyring.Add(ring, id.Cert.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := unix.KeyctlInt(unix.KEYCTL_REVOKE, int(serial), 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		s, err := runtime.Load(signWith(t, spec, id), &runtime.LoadOptions{Keyring: ring, RequireSignature: true})
		if err == nil {
			s.Close()
			t.Error("the load succeeded with a revoked key")
		}
		t.Log(err)
	})
	t.Run("without RequireSignature", func(t *testing.T) {
		s, err := runtime.Load(signWith(t, spec, id), &runtime.LoadOptions{Keyring: newKeyring(t)})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if got := s.Signature(); got.Verified || !strings.Contains(got.Reason, "has no certificate") ||
			got.Form != runtime.NoSignedForm || got.Keyring != runtime.NoKeyring {
			t.Errorf("%+v", got)
		}
		if _, err := runtime.Load(signWith(t, spec, id), &runtime.LoadOptions{Keyring: newKeyring(t, other)}); !errors.Is(err, unix.ENOKEY) {
			t.Errorf("foreign certificate: %v", err)
		}
	})
}

// ECDSA keys work, too.
func TestSignedByECDSA(t *testing.T) {
	guest.Only(t)
	for name, key := range ecdsaKeys(t) {
		id := cmstest.New(t, cmstest.Options{Key: key})
		s, err := runtime.Load(signWith(t, signedSpec(t, "minimal"), id), &runtime.LoadOptions{Keyring: newKeyring(t, id), RequireSignature: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s.Close()
	}
}

// The verifier log of a signed package is returned through the context.
func TestSignedHasVerifierLog(t *testing.T) {
	guest.Only(t)
	id := cmstest.New(t, cmstest.Options{})
	_, err := runtime.Load(signWith(t, signedSpec(t, "refused_verifier"), id), &runtime.LoadOptions{Keyring: newKeyring(t, id), RequireSignature: true})
	var e *runtime.LoadError
	if !errors.As(err, &e) || !strings.Contains(e.Log, "processed ") {
		t.Errorf("%+v", err)
	}
}

// Neither a successful nor a failed load leaves file descriptors.
func TestSignedLeavesNoFDs(t *testing.T) {
	guest.Only(t)
	id := cmstest.New(t, cmstest.Options{})
	opts := &runtime.LoadOptions{Keyring: newKeyring(t, id), RequireSignature: true}
	good := signWith(t, signedSpec(t, "globals"), id)
	bad := *good
	bad.Blob = string(bytes.Repeat([]byte{1}, len(good.Blob)))
	load := func() {
		if s, err := runtime.Load(good, opts); err != nil {
			t.Error(err)
		} else {
			s.Close()
		}
		if _, err := runtime.Load(&bad, opts); !errors.Is(err, unix.EKEYREJECTED) {
			t.Error(err)
		}
	}
	load()
	before := openFDs(t)
	for range 10 {
		load()
	}
	if after := openFDs(t); after != before {
		t.Errorf("%d open files, %d before", after, before)
	}
}
