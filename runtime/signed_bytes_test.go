//vmtest:7.2,7.x

package runtime_test

import (
	"errors"
	"testing"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/cms/cmstest"
	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/impl"
)

// Changing any byte of blob, loader or signature makes the load fail.
func TestEachSignedByteCounts(t *testing.T) {
	guest.Only(t)
	id := cmstest.New(t, cmstest.Options{})
	opts := &runtime.LoadOptions{Keyring: newKeyring(t, id), RequireSignature: true}
	good := signWith(t, signedSpec(t, "map_in_map"), id)
	s, err := runtime.Load(good, opts)
	if err != nil {
		t.Fatal(err)
	}
	form := s.Signature().Form
	s.Close()

	// Test all bytes on the newest kernel and a sample on others, since emulation is slow.
	every, least := 1, 8000
	if guest.Key() != "7.x" {
		every, least = 5, 1600
	}
	cases, loaded, asked := 0, 0, 0
	answers := map[string]int{}
	attempt := func(what string, at int, spec *runtime.Spec) {
		if asked++; asked%every != 0 {
			return
		}
		cases++
		s, err := runtime.Load(spec, opts)
		if err == nil {
			s.Close()
			loaded++
			t.Errorf("%s, byte %d changed: the load succeeded", what, at)
			return
		}
		var e *runtime.LoadError
		if !errors.As(err, &e) {
			t.Fatalf("%s, byte %d: %v", what, at, err)
		}
		answers[e.Err.Error()]++
	}
	change := func(s string, i int) string {
		b := []byte(s)
		b[i] ^= byte(1 << (i % 8))
		return string(b)
	}
	begun := time.Now()
	for i := range good.Blob {
		spec := *good
		spec.Blob = change(good.Blob, i)
		attempt("blob", i, &spec)
	}
	// The runtime gives the loader's hash to the kernel as the map's owner. An attacker would
	// change both.
	for i := range good.Loader {
		spec := *good
		spec.Loader = change(good.Loader, i)
		spec.Signed = rehash(&spec)
		attempt("loader", i, &spec)
	}
	for i := range good.Signed.Forms[form].Check {
		spec, signed := *good, *good.Signed
		signed.Forms[form].Check = change(signed.Forms[form].Check, i)
		spec.Signed = &signed
		spec.Signed = rehash(&spec)
		attempt("check", i, &spec)
	}
	for i := range good.Signed.Forms[form].Signature {
		for bit := range 8 {
			spec, signed := *good, *good.Signed
			b := []byte(signed.Forms[form].Signature)
			b[i] ^= 1 << bit
			signed.Forms[form].Signature = string(b)
			spec.Signed = &signed
			attempt("signature", i, &spec)
		}
	}
	t.Logf("form %v: %d cases in %v, %d loaded; %v", form, cases, time.Since(begun).Round(time.Second), loaded, answers)
	if cases < least {
		t.Errorf("only %d cases", cases)
	}
}

func rehash(s *runtime.Spec) *impl.SignedSpec {
	signed := *s.Signed
	for i := range signed.Forms {
		signed.Forms[i].LoaderHash = sha256Of(s.SignedLoader(runtime.SignedForm(i)))
	}
	return &signed
}
