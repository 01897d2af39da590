//vmtest:all

package runtime_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/cms/cmstest"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/impl"
)

func sha256Of(s string) string {
	h := sha256.Sum256([]byte(s))
	return string(h[:])
}

func ecdsaKeys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	keys := map[string]crypto.Signer{}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[curve.Params().Name] = key
	}
	return keys
}

func openFDs(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// No kernel loads a signed package that was changed.
func TestSignedCannotBeChanged(t *testing.T) {
	for _, c := range []struct {
		name, object string
		change       func(s *runtime.Skeleton)
	}{
		{"initial data", "globals", func(s *runtime.Skeleton) {
			for i, m := range s.Spec().Maps {
				if m.Kind == impl.ROData {
					*(*byte)(s.Data(i))++
				}
			}
		}},
		{"zeroes", "globals", func(s *runtime.Skeleton) {
			for i, m := range s.Spec().Maps {
				if m.Kind == impl.BSS {
					*(*byte)(s.Data(i))++
				}
			}
		}},
		{"max_entries", "map_array", func(s *runtime.Skeleton) {
			s.Map(0).SetMaxEntries(s.Map(0).MaxEntries() + 1)
		}},
		{"a target", "sec_tp_btf", func(s *runtime.Skeleton) {
			if err := runtime.NewTracingProgram(s.Program(0)).SetAttachTarget("sys_exit"); err != nil {
				t.Fatal(err)
			}
		}},
		{"a program less", "minimal", func(s *runtime.Skeleton) { s.Program(0).SetAutoLoad(false) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := runtime.Open(signedSpec(t, c.object))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			c.change(s)
			if err = s.Load(nil); !errors.Is(err, runtime.ErrSigned) {
				t.Errorf("got %v", err)
			}
			t.Log(err)
		})
	}
}

// Options that would change a signed package are refused before anything is created. Operations
// after the load work.
func TestSignedFeatures(t *testing.T) {
	s, err := runtime.Open(signedSpec(t, "map_array"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	other, err := runtime.CreateMap(s.Map(0).Spec())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	before := openFDs(t)
	clone := func() error {
		_, err := runtime.NewCloner(s, runtime.NewTracingProgram(s.Program(0)))
		return err
	}
	for name, refused := range map[string]func() error{
		"ReuseMap":    func() error { return runtime.ReuseMap(s, s.Map(0), other) },
		"ChangeMap":   func() error { return runtime.ChangeMap(s, s.Map(0), func(m *runtime.MapChange) { m.MaxEntries++ }) },
		"SetConstant": func() error { return runtime.SetConstant(s, "LIMIT", 1) },
		"NewCloner":   clone,
	} {
		if err := refused(); !errors.Is(err, runtime.ErrSigned) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := openFDs(t); after != before {
		t.Errorf("%d files were left open", after-before)
	}
	// None of this has changed the package. A configuration is only for packages with __kconfig
	// variables.
	if err := s.Load(&runtime.LoadOptions{Kconfig: runtime.KconfigFile("/no/such/file")}); err != nil {
		t.Fatal(err)
	}
	if err := clone(); !errors.Is(err, runtime.ErrSigned) {
		t.Errorf("NewCloner after Load: %v", err)
	}
	dir := testfs.BPF(t) + "/signed"
	if err := runtime.PinSkeleton(s, dir, false, nil, nil); err != nil {
		t.Fatal(err)
	}
	if id := pinnedID(t, dir+"/maps/"+s.Map(0).Name()); id != idOf(t, s.Map(0)) {
		t.Error("a different map is pinned")
	}
	user, err := runtime.Open(compiled(t, "map_array"))
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	if err := errors.Join(runtime.ReuseMap(user, user.Map(0), s.Map(0)), user.Load(nil)); err != nil {
		t.Error(err)
	}
	if idOf(t, user.Map(0)) != idOf(t, s.Map(0)) {
		t.Error("the signed package's map is not reused")
	}
}

// If the kernel cannot verify signatures, a signed package loads unverified, unless a signature is
// required.
func TestSignedWhereTheKernelCannotVerify(t *testing.T) {
	id := cmstest.New(t, cmstest.Options{})
	spec := signWith(t, signedSpec(t, "globals"), id)
	s, err := runtime.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Load(nil); err != nil && !errors.Is(err, unix.ENOKEY) {
		t.Fatal(err)
	}
	t.Logf("%+v", s.Signature())
	if got := s.Signature(); got.Verified || got.Form != runtime.NoSignedForm || got.Keyring != runtime.NoKeyring || got.Reason == "" {
		t.Errorf("without a key in the session's keyring: %+v", got)
	}
	_, err = runtime.Load(spec, &runtime.LoadOptions{RequireSignature: true})
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOKEY) {
		t.Errorf("required: %v", err)
	}
	t.Log(err)
}

// Keyring numbers mean the same as for keyctl and the kernel.
func TestKeyringNumbers(t *testing.T) {
	for _, k := range []runtime.Keyring{
		unix.KEY_SPEC_THREAD_KEYRING, unix.KEY_SPEC_PROCESS_KEYRING, unix.KEY_SPEC_SESSION_KEYRING, unix.KEY_SPEC_USER_KEYRING,
		unix.KEY_SPEC_USER_SESSION_KEYRING, unix.KEY_SPEC_GROUP_KEYRING, runtime.SecondaryKeyring, runtime.PlatformKeyring, 3, 1 << 30,
	} {
		if k.ID() != int32(k) {
			t.Errorf("keyring %d is %d", int(k), k.ID())
		}
	}
	seen := map[int32]runtime.Keyring{}
	for _, k := range []runtime.Keyring{
		runtime.SessionKeyring, runtime.UserKeyring, runtime.BuiltinKeyring, runtime.SecondaryKeyring, runtime.PlatformKeyring, runtime.NoKeyring,
	} {
		if other, ok := seen[k.ID()]; ok {
			t.Errorf("%v and %v are the same", k, other)
		}
		seen[k.ID()] = k
		name, _, _ := strings.Cut(k.String(), " ")
		if parsed, err := runtime.ParseKeyring(name); (err == nil && parsed == k) != (k != runtime.NoKeyring) {
			t.Errorf("%v is read as %v, %v", k, parsed, err)
		}
	}
	if runtime.SessionKeyring.ID() != unix.KEY_SPEC_SESSION_KEYRING || runtime.BuiltinKeyring.ID() != 0 {
		t.Error("the session or builtin keyring is a different one")
	}
}

// A package that cannot be signed is refused if a signature is required.
func TestRequireSignatureOfUnsigned(t *testing.T) {
	spec := signedSpec(t, "minimal")
	plain := *spec
	plain.Signed = nil
	if _, err := runtime.Load(&plain, &runtime.LoadOptions{RequireSignature: true}); !errors.Is(err, runtime.ErrNotSigned) {
		t.Errorf("got %v", err)
	}
}
