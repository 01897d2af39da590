//vmtest:6.18,7.2,7.x

package sigload_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/cms/cmstest"
	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sigload"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime/keyring"
)

// victim is a package and its signer.
type victim struct {
	sigload.Package
	form spec.SignedForm
	id   *cmstest.Identity
}

// newVictim signs an object's package in the form that this kernel verifies.
func newVictim(t *testing.T, name string) *victim {
	t.Helper()
	guest.Only(t)
	obj, err := object.Read(testobj.Compile(t, name, testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	planned, err := loader.Generate(obj, loader.Options{Signed: true})
	if err != nil {
		t.Fatal(err)
	}
	id := cmstest.New(t, cmstest.Options{})
	ring, err := keyring.New(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.Add(ring, id.Cert.Raw); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.KeyctlInt(unix.KEYCTL_UNLINK, int(ring), unix.KEY_SPEC_USER_KEYRING, 0, 0) })
	var verdicts []string
	for form := range spec.SignedForms {
		v := &victim{sigload.Package{
			Blob: planned.Blob, Keyring: ring.ID(), Listed: form == spec.SignedContents, Context: 16 * (1 + len(planned.Programs)),
		}, form, id}
		v.sign(t, planned.SignedLoader(form))
		verdict := v.Try(v.Good())
		if verdict.Verified {
			t.Logf("%s: %v, loader %d instructions, blob %d bytes", name, form, len(v.Loader)/8, len(v.Blob))
			return v
		}
		verdicts = append(verdicts, fmt.Sprintf("%v: %v", form, verdict))
	}
	t.Fatalf("%s does not verify in any form: %s", name, strings.Join(verdicts, "; "))
	return nil
}

// sign replaces the package's loader and signs it as its owner would.
func (v *victim) sign(t *testing.T, loader string) {
	t.Helper()
	v.Loader = loader
	covered := loader
	if v.Listed {
		covered += v.Blob
	}
	v.Signature = string(v.id.Sign(t, []byte(covered)))
}

// none expects that no load verifies.
func none(string) bool { return false }

// count tries loads and returns how many of them the kernel verified. It reports unexpected ones.
func (v *victim) count(t *testing.T, loads func(yield func(string, sigload.Load) bool), expected func(string) bool) (verified, tried int) {
	t.Helper()
	answers := map[string]int{}
	for name, load := range loads {
		tried++
		verdict := v.Try(load)
		if verdict.Verified {
			verified++
			if !expected(name) {
				t.Errorf("%s: verified, and the loader ran (%d)", name, verdict.Retval)
			}
		}
		answers[verdict.String()]++
	}
	t.Logf("%v: %d of %d verified; %v", v.form, verified, tried, answers)
	return verified, tried
}

// aligned rounds n up to the size of an array element in memory.
func aligned(n int) int { return (n + 7) &^ 7 }

// splits splits the blob into two maps, at each byte.
func (v *victim) splits(yield func(string, sigload.Load) bool) {
	for at := 1; at < len(v.Blob); at++ {
		rest := min(aligned(at), len(v.Blob)-1)
		load := sigload.Load{Maps: []sigload.Map{{Contents: v.Blob[:at]}, {Contents: v.Blob[rest:]}}}
		if !yield(fmt.Sprintf("split at %d", at), load) {
			return
		}
	}
}

// A package whose blob is split in two, at any byte, does not verify.
func TestEverySplit(t *testing.T) {
	for _, name := range []string{"minimal", "globals"} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t, name)
			if _, tried := v.count(t, v.splits, none); tried < 500 {
				t.Errorf("tried only %d splits", tried)
			}
		})
	}
}

// Without the load of the blob's last bytes, splits do verify if the signature covers the blob, so
// the test above can fail. On other kernels the loader has the hash of the whole blob.
func TestSplitsWithoutTheSizeLoad(t *testing.T) {
	for _, name := range []string{"minimal", "globals"} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t, name)
			// r2 = *(u64 *)(r6 +off) is replaced with r2 = 0.
			load := binary.LittleEndian.AppendUint16([]byte{0x79, 0x62}, uint16(len(v.Blob)-8))
			v.sign(t, replace(t, v.Loader, string(load)+"\x00\x00\x00\x00", "\xb7\x02\x00\x00\x00\x00\x00\x00"))
			verified, _ := v.count(t, func(yield func(string, sigload.Load) bool) {
				for at := 8; at < len(v.Blob); at += 8 {
					if !yield("", sigload.Load{Maps: []sigload.Map{{Contents: v.Blob[:at]}, {Contents: v.Blob[at:]}}}) {
						return
					}
				}
			}, func(string) bool { return v.Listed })
			if v.Listed && verified == 0 {
				t.Error("no split verifies: this kernel covers the maps' sizes, so docs/kernel-report-signed-loaders.md is outdated")
			}
		})
	}
}

// replace replaces a byte sequence that occurs once in a loader.
func replace(t *testing.T, loader, old, with string) string {
	t.Helper()
	if n := strings.Count(loader, old); n != 1 || len(old) != len(with) {
		t.Fatalf("the loader contains % x %d times, want once", old, n)
	}
	return strings.Replace(loader, old, with, 1)
}

// A package whose blob is split in three, or has an empty-looking map in between, does not verify.
func TestThreeMaps(t *testing.T) {
	for _, name := range []string{"minimal", "globals"} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t, name)
			v.count(t, func(yield func(string, sigload.Load) bool) {
				const step = 104
				for a := 8; a < len(v.Blob); a += step {
					for b := a + 8; b < len(v.Blob); b += step {
						maps := []sigload.Map{{Contents: v.Blob[:a]}, {Contents: v.Blob[a:b]}, {Contents: v.Blob[b:]}}
						if !yield(fmt.Sprintf("split at %d and %d", a, b), sigload.Load{Maps: maps}) {
							return
						}
					}
				}
			}, none)
		})
	}
}

// A blob too large for its end to be reached by an instruction's offset is covered, too.
func TestLargeBlob(t *testing.T) {
	v := newVictim(t, "globals_big")
	if len(v.Blob) <= 1<<15 {
		t.Fatalf("the blob has only %d bytes", len(v.Blob))
	}
	v.count(t, func(yield func(string, sigload.Load) bool) {
		for at := 8; at < len(v.Blob); at += len(v.Blob) / 64 &^ 7 {
			if !yield(fmt.Sprintf("split at %d", at), sigload.Load{Maps: []sigload.Map{{Contents: v.Blob[:at]}, {Contents: v.Blob[at:]}}}) {
				return
			}
		}
		for at := len(v.Blob) - 64; at < len(v.Blob); at += 8 {
			if !yield(fmt.Sprintf("split at %d", at), sigload.Load{Maps: []sigload.Map{{Contents: v.Blob[:at]}, {Contents: v.Blob[at:]}}}) {
				return
			}
		}
	}, none)
}

// The map must have exactly the blob's size.
func TestMapSizes(t *testing.T) {
	for _, name := range []string{"minimal", "globals"} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t, name)
			size := uint32(len(v.Blob))
			v.count(t, func(yield func(string, sigload.Load) bool) {
				sizes := []uint32{1, 8, size / 2, 2 * size, aligned32(size, 4096), aligned32(size, 4096) + 4096}
				for d := uint32(1); d <= 16; d++ {
					sizes = append(sizes, size-d, size+d)
				}
				for _, n := range sizes {
					m := sigload.Map{ValueSize: n, Contents: v.Blob[:min(n, size)]}
					if !yield(fmt.Sprintf("a value of %d bytes", n), sigload.Load{Maps: []sigload.Map{m}}) {
						return
					}
					if n >= size {
						continue
					}
					m.MaxEntries, m.Contents = (size+n-1)/n, v.Blob
					if !yield(fmt.Sprintf("%d values of %d bytes", m.MaxEntries, n), sigload.Load{Maps: []sigload.Map{m}}) {
						return
					}
				}
			}, none)
		})
	}
}

func aligned32(n, to uint32) uint32 { return (n + to - 1) / to * to }

// Additional, merged, extended or reordered maps do not verify.
func TestOtherMaps(t *testing.T) {
	v := newVictim(t, "globals")
	good := sigload.Map{Contents: v.Blob}
	half := aligned(len(v.Blob) / 2)
	first, second := sigload.Map{Contents: v.Blob[:half]}, sigload.Map{Contents: v.Blob[half:]}
	with := func(f func(*sigload.Map)) sigload.Load { m := good; f(&m); return sigload.Load{Maps: []sigload.Map{m}} }
	listed, hashed := v.Listed, v.form == spec.SignedHash
	for _, c := range []struct {
		name string
		load sigload.Load
		want bool // verified, for the reason in name
	}{
		{"none", sigload.Load{}, false},
		{"one more after, which no instruction refers to", sigload.Load{Maps: []sigload.Map{good, {Contents: "12345678"}}}, !listed},
		{"likewise, of zeros", sigload.Load{Maps: []sigload.Map{good, {Contents: string(make([]byte, 8))}}}, !listed},
		{"likewise, of a page", sigload.Load{Maps: []sigload.Map{good, {Contents: string(make([]byte, 4096))}}}, !listed},
		{"one more before", sigload.Load{Maps: []sigload.Map{{Contents: "12345678"}, good}}, false},
		{"another one of the same contents", sigload.Load{Maps: []sigload.Map{good, good}}, !listed},
		{"the same map listed twice, which counts once", sigload.Load{Maps: []sigload.Map{good}, Order: []int{0, 0}}, true},
		{"halves", sigload.Load{Maps: []sigload.Map{first, second}}, false},
		{"halves in the other order", sigload.Load{Maps: []sigload.Map{second, first}}, false},
		{"halves, listed in the other order", sigload.Load{Maps: []sigload.Map{first, second}, Order: []int{1, 0}}, false},
		{"halves, the first twice", sigload.Load{Maps: []sigload.Map{first, second}, Order: []int{0, 1, 0}}, false},
		{"halves, one listed", sigload.Load{Maps: []sigload.Map{first, second}, Count: 1}, false},
		{"the second half", sigload.Load{Maps: []sigload.Map{second}}, false},
		{"the first half", sigload.Load{Maps: []sigload.Map{first}}, false},
		{"merged with what follows", sigload.Load{Maps: []sigload.Map{{Contents: v.Blob + "12345678"}}}, false},
		{"merged with what is before", sigload.Load{Maps: []sigload.Map{{Contents: "12345678" + v.Blob}}}, false},
		{"twice in one map", with(func(m *sigload.Map) { m.Contents, m.ValueSize, m.MaxEntries = v.Blob+v.Blob, uint32(len(v.Blob)), 2 }), false},
		{"two entries, one filled", with(func(m *sigload.Map) { m.ValueSize, m.MaxEntries = uint32(len(v.Blob)), 2 }), false},
		{"not frozen", with(func(m *sigload.Map) { m.Thawed = true }), false},
		{"of another program", with(func(m *sigload.Map) { m.Owner = "another program" }), false},
		{"not frozen, and shared", with(func(m *sigload.Map) { m.Thawed, m.Shared = true, true }), false},
		// Loaders cannot detect this on Linux 6.18 to 7.0, as docs/signing.md says.
		{"shared, which a loader before 7.1 cannot see", with(func(m *sigload.Map) { m.Shared = true }), hashed},
		{"the kernel was not asked for its hash", with(func(m *sigload.Map) { m.Unhashed = true }), listed},
		{"the first byte another one", with(func(m *sigload.Map) { m.Contents = "\x01" + v.Blob[1:] }), false},
		{"the last byte another one", with(func(m *sigload.Map) { m.Contents = v.Blob[:len(v.Blob)-1] + "\x7f" }), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			verdict := v.Try(c.load)
			if verdict.Verified != c.want {
				t.Errorf("%v, want verified: %v", verdict, c.want)
			}
			t.Log(verdict)
		})
	}
	t.Run("written to after the load", func(t *testing.T) {
		load := v.Good()
		load.BeforeRun = func(maps []int) error { return sigload.Update(maps[0], string(make([]byte, len(v.Blob)))) }
		if verdict := v.Try(load); verdict.Err != unix.EPERM {
			t.Error(verdict)
		}
	})
}

// Before Linux 7.3 the kernel reads fd_array for each instruction, so a process that writes to
// fd_array in between can make it take the hash from one map and the value from another. Here the
// two have different indices, which has the same effect.
func TestTwoMapsAtOneIndex(t *testing.T) {
	v := newVictim(t, "globals")
	if v.Listed {
		guest.NotHere(t, "it reads fd_array once")
	}
	other := sigload.Load{Maps: []sigload.Map{{Contents: "\x01" + v.Blob[1:]}, {Contents: v.Blob}}}
	// r0 = map 0 is replaced with r0 = map 1.
	two := replace(t, v.Loader, "\x18\x50\x00\x00\x00\x00\x00\x00", "\x18\x50\x00\x00\x01\x00\x00\x00")
	v.sign(t, two)
	if verdict := v.Try(other); verdict.Err != unix.EKEYREJECTED {
		t.Errorf("hash of one map, value of another: %v", verdict)
	}
	// The test can fail: if r1 > limit goto rejected is replaced with goto +0.
	begin := strings.Index(two, "\xbf\x61\x00\x00\x00\x00\x00\x00\x1f\x01\x00\x00\x00\x00\x00\x00") // r1 = r6; r1 -= r0
	if begin < 0 {
		t.Fatal("the loader does not compare addresses")
	}
	jump := two[begin+16:][:8]
	v.sign(t, replace(t, two, jump, "\x05\x00\x00\x00\x00\x00\x00\x00"))
	if verdict := v.Try(other); !verdict.Verified {
		t.Errorf("without the comparison: %v", verdict)
	}
}

// A map of another type does not verify.
func TestMapTypes(t *testing.T) {
	for _, name := range []string{"minimal", "globals"} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t, name)
			v.count(t, func(yield func(string, sigload.Load) bool) {
				const newest = 40
				for kind := uint32(unix.BPF_MAP_TYPE_ARRAY + 1); kind < newest; kind++ {
					m := sigload.Map{Type: kind, Contents: v.Blob}
					// Types require certain keys, sizes and flags. A map that the kernel refuses
					// cannot be tried.
					for _, keys := range []uint32{4, 8} {
						for _, flags := range []uint32{0, unix.BPF_F_NO_PREALLOC, unix.BPF_F_MMAPABLE} {
							m.KeySize, m.Flags = keys, flags
							if !yield(fmt.Sprintf("type %d, keys of %d bytes, flags %#x", kind, keys, flags), sigload.Load{Maps: []sigload.Map{m}}) {
								return
							}
							m2 := sigload.Load{Maps: []sigload.Map{m, {Contents: v.Blob}}}
							if !yield(fmt.Sprintf("type %d, then the blob", kind), m2) {
								return
							}
						}
					}
				}
			}, none)
		})
	}
}

// Only flags that do not change what a loader reads verify.
func TestMapFlags(t *testing.T) {
	harmless := map[uint32]string{
		unix.BPF_F_NUMA_NODE: "where its memory is",
		unix.BPF_F_WRONLY:    "what a process may do by this file descriptor",
		unix.BPF_F_INNER_MAP: "that it fits templates of other sizes",
	}
	v := newVictim(t, "minimal")
	for bit := range 32 {
		for _, also := range []uint32{0, unix.BPF_F_MMAPABLE} {
			flags := uint32(1)<<bit | also
			verdict := v.Try(sigload.Load{Maps: []sigload.Map{{Contents: v.Blob, Flags: flags}}})
			if _, ok := harmless[flags]; verdict.Verified != ok {
				t.Errorf("flags %#x: %v", flags, verdict)
			}
			if also == 0 {
				t.Logf("flags %#x: %v %s", flags, verdict, harmless[flags])
			}
		}
	}
}

// The program's attributes are not signed either. Those that can be changed have no effect on the
// loader.
func TestProgramAttributes(t *testing.T) {
	v := newVictim(t, "minimal")
	good := v.Good()
	// The loader calls no helper that requires a license, is not an XDP program, and accesses its
	// map at multiples of 8.
	harmless := []string{"another license", "for a device alone", "strict alignment"}
	if !v.Listed {
		harmless = append(harmless, "no map listed", "two maps listed") // the kernel ignores the list
	}
	v.count(t, func(yield func(string, sigload.Load) bool) {
		for kind := uint32(1); kind < 40; kind++ {
			if kind == unix.BPF_PROG_TYPE_SYSCALL {
				continue
			}
			for _, flags := range []uint32{unix.BPF_F_SLEEPABLE, ^uint32(0)} {
				load := good
				load.Type, load.Flags = kind, flags
				if !yield(fmt.Sprintf("type %d, flags %#x", kind, flags), load) {
					return
				}
			}
		}
		for name, f := range map[string]func(*sigload.Load){
			"not sleepable":      func(l *sigload.Load) { l.Flags = ^uint32(0) },
			"no map listed":      func(l *sigload.Load) { l.Count = -1 },
			"two maps listed":    func(l *sigload.Load) { l.Count = 2 },
			"another license":    func(l *sigload.Load) { l.NoGPL = true },
			"an attach type":     func(l *sigload.Load) { l.Attach = 1 },
			"strict alignment":   func(l *sigload.Load) { l.Flags = unix.BPF_F_SLEEPABLE | unix.BPF_F_STRICT_ALIGNMENT },
			"for a device alone": func(l *sigload.Load) { l.Flags = unix.BPF_F_SLEEPABLE | unix.BPF_F_XDP_DEV_BOUND_ONLY },
		} {
			load := good
			f(&load)
			if !yield(name, load) {
				return
			}
		}
	}, func(name string) bool { return slices.Contains(harmless, name) })
}

// A loader cannot prevent this: CO-RE records are applied after the signature was verified, and the
// verdict remains. A policy must refuse them. examples/signed has such a policy and a test for it.
func TestCORERecordsChangeVerifiedLoader(t *testing.T) {
	v := newVictim(t, "minimal")
	load := v.Good()
	load.Relos = true
	if !v.Listed {
		// There the owner of an exclusive map is compared after the records were applied.
		load.Maps[0].Owner = v.Relocated()
	}
	if verdict := v.Try(load); !verdict.Verified || verdict.Retval != 1 {
		t.Errorf("%v, returned %d: this kernel covers the records, or refuses them: docs/signing.md and "+
			"docs/kernel-report-signed-loaders.md say that it does not", verdict, verdict.Retval)
	}
	// Without a signature, such a program has another hash than the loader, so it cannot use the
	// loader's map.
	twin := v.Good()
	twin.Relos, twin.Unsigned = true, true
	if verdict := v.Try(twin); verdict.Err != unix.EACCES {
		t.Errorf("a twin of the loader: %v", verdict)
	}
}
