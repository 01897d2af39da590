package loader_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// The check of a blob takes few instructions beyond the comparison of its hash.
func TestBlobCheckIsShort(t *testing.T) {
	const compare, ops, excl = 2 + 1 + 4*5 + 1, 1, 3 // map, r4, four words, jump; the field that tells kernels apart
	most := map[spec.SignedForm]int{
		spec.SignedContents: 8, spec.SignedExclusive: compare + excl + 2 + 10, spec.SignedHash: compare + ops + 2 + 10,
	}
	for _, size := range []int{8, 1 << 15, 1<<15 + 8, 1 << 20} {
		for form, n := range most {
			check := loader.BlobCheck(form, strings.Repeat("x", size), binary.LittleEndian)
			if len(check)/8 > n {
				t.Errorf("%v, blob of %d bytes: %d instructions, at most %d", form, size, len(check)/8, n)
			}
		}
	}
}

// The check follows the first instructions of a loader, and only in one that can be signed.
func TestSignedHead(t *testing.T) {
	obj, err := object.Read(testobj.Compile(t, "globals", testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := loader.Generate(obj, loader.Options{Signed: true})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !loader.HasSignedHead(signed.Loader, obj.ByteOrder) {
		t.Errorf("a signable loader begins with % x", signed.Loader[:spec.SignedHead])
	}
	if loader.HasSignedHead(plain.Loader, obj.ByteOrder) {
		t.Error("a loader that is not signable keeps the context")
	}
	for form := range spec.SignedForms {
		check := loader.BlobCheck(form, signed.Blob, obj.ByteOrder)
		want := signed.Loader[:spec.SignedHead] + check + signed.Loader[spec.SignedHead:]
		if signed.SignedLoader(form) != want || signed.Signed.Forms[form].Check != check {
			t.Errorf("%v: the check is in the wrong place", form)
		}
	}
}

// A program whose target is chosen at run time cannot be signed: the target is in its attr.
func TestSignedNeedsTargets(t *testing.T) {
	obj, err := object.Read(testobj.Compile(t, "sec_freplace", testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = loader.Generate(obj, loader.Options{Signed: true}); err == nil || !strings.Contains(err.Error(), "program replacement") {
		t.Errorf("error %v, want one that names the program", err)
	}
}
