package codegen

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/codegen/internal/torture/skel"
)

// tortured is a line of torture_fields.h.
type tortured struct {
	kind string // as explained there
	c    string
	path []string // in Go: names of globals, fields and methods, and indices
}

var (
	tortureLine = regexp.MustCompile(`^([A-Z])\((\w+)(?:, ([^)]*))?\)(?: /\* Go: (.*) \*/)?$`)
	pathElement = regexp.MustCompile(`[^.\[\]]+`)
)

func readTortured(t *testing.T) []tortured {
	t.Helper()
	raw, err := os.ReadFile("testdata/torture_fields.h")
	if err != nil {
		t.Fatal(err)
	}
	var list []tortured
	for line := range strings.Lines(string(raw)) {
		m := tortureLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		entry := tortured{kind: m[1], c: strings.Trim(m[2]+"."+m[3], ".")}
		if m[4] != "" {
			entry.path = strings.Split(m[4], ".")
		} else {
			for _, name := range pathElement.FindAllString(entry.c, -1) {
				if _, err := strconv.Atoi(name); err != nil {
					name = goName(name)
				}
				entry.path = append(entry.path, name)
			}
		}
		list = append(list, entry)
	}
	return list
}

// visit calls f with a pointer to the value at a path. If a value on the way is only accessible by
// a getter and a setter, f gets a copy, which is set afterwards.
func visit(ptr reflect.Value, path []string, f func(leaf reflect.Value, inPlace bool)) error {
	return visitFrom(ptr, path, true, f)
}

func visitFrom(ptr reflect.Value, path []string, inPlace bool, f func(reflect.Value, bool)) error {
	if len(path) == 0 {
		f(ptr, inPlace)
		return nil
	}
	name, rest := path[0], path[1:]
	if i, err := strconv.Atoi(name); err == nil {
		return visitFrom(ptr.Elem().Index(i).Addr(), rest, inPlace, f)
	}
	if field := ptr.Elem().FieldByName(name); field.IsValid() {
		return visitFrom(field.Addr(), rest, inPlace, f)
	}
	method := ptr.MethodByName(name)
	if !method.IsValid() {
		return fmt.Errorf("%s has no member %s", ptr.Elem().Type(), name)
	}
	value := method.Call(nil)[0]
	if value.Kind() == reflect.Pointer {
		return visitFrom(value, rest, inPlace, f)
	}
	setter := ptr.MethodByName("Set" + name)
	if !setter.IsValid() {
		return fmt.Errorf("%s has no method Set%s", ptr.Elem().Type(), name)
	}
	tmp := reflect.New(value.Type())
	tmp.Elem().Set(value)
	if err := visitFrom(tmp, rest, false, f); err != nil {
		return err
	}
	setter.Call([]reflect.Value{tmp.Elem()})
	return nil
}

// TestTortureLayout compares the sizes and offsets of generated types with the ones that clang
// compiled into the object.
func TestTortureLayout(t *testing.T) {
	s, err := skel.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	entries := readTortured(t)
	if len(entries) != len(s.Rodata.Layout) {
		t.Fatalf("%d lines in torture_fields.h, the object was compiled with %d: go generate ./...", len(entries), len(s.Rodata.Layout))
	}
	types, compared := 0, 0
	bss := reflect.ValueOf(s.Bss)
	for i, e := range entries {
		want := s.Rodata.Layout[i]
		base := bss.Elem().FieldByName(e.path[0])
		if !base.IsValid() {
			t.Errorf("%s: no global %s", e.c, e.path[0])
			continue
		}
		err := visit(bss, e.path, func(leaf reflect.Value, inPlace bool) {
			switch e.kind {
			case "B", "X":
				return // bit-fields have no offset in C; TestTortureValues covers them
			case "T":
				types++
			}
			if got := leaf.Elem().Type().Size(); got != uintptr(want.Size) {
				t.Errorf("%s has %d bytes in Go, %d in C", e.c, got, want.Size)
			}
			if inPlace {
				compared++
				if got := uintptr(leaf.UnsafePointer()) - base.UnsafeAddr(); got != uintptr(want.Offset) {
					t.Errorf("%s is at %d in Go, at %d in C", e.c, got, want.Offset)
				}
			}
		})
		if err != nil {
			t.Errorf("%s: %v", e.c, err)
		}
	}
	t.Logf("%d types, %d offsets and sizes agree with clang", types, compared)
	if types < 60 {
		t.Errorf("only %d types", types)
	}
}

// pattern is PATTERN of torture.bpf.c.
func pattern(n int) uint64 { return 0x9E3779B97F4A7C15 * (uint64(n) + 1) }

// set sets a member to as much of a pattern as fits.
func set(leaf reflect.Value, n int) {
	switch v := leaf.Elem(); v.Kind() {
	case reflect.Bool:
		v.SetBool(pattern(n) != 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(pattern(n)<<(64-8*v.Type().Size())) >> (64 - 8*v.Type().Size()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(pattern(n) << (64 - 8*v.Type().Size()) >> (64 - 8*v.Type().Size()))
	case reflect.Struct: // Uint128, Int128
		set(v.FieldByName("Hi").Addr(), n)
		set(v.FieldByName("Lo").Addr(), n+1)
	}
}

// TestTortureValues has C write a value into each member for Go to read, and the other way round.
func TestTortureValues(t *testing.T) {
	s, err := skel.Load()
	if errors.Is(err, unix.EPERM) {
		t.Skip("not privileged to load BPF programs")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Progs.Fill.Run(); err != nil {
		t.Fatal(err)
	}

	// Go expects what it reads back after writing the same pattern into a copy: a bit-field has
	// fewer bits than its type.
	bss := reflect.ValueOf(s.Bss)
	shadow := reflect.New(bss.Type().Elem())
	var members []tortured
	for _, e := range readTortured(t) {
		if strings.Contains("FPWBX", e.kind) {
			members = append(members, e)
		}
	}
	for n, e := range members {
		var got, want any
		err := errors.Join(
			visit(bss, e.path, func(leaf reflect.Value, _ bool) { got = leaf.Elem().Interface() }),
			visit(shadow, e.path, func(leaf reflect.Value, _ bool) { set(leaf, n) }),
			visit(shadow, e.path, func(leaf reflect.Value, _ bool) { want = leaf.Elem().Interface() }),
		)
		if err != nil {
			t.Errorf("%s: %v", e.c, err)
		}
		if got != want {
			t.Errorf("%s: C wrote %#x, Go reads %#x", e.c, want, got)
		}
	}

	for n, e := range members {
		if err := visit(bss, e.path, func(leaf reflect.Value, _ bool) { set(leaf, n+1000) }); err != nil {
			t.Errorf("%s: %v", e.c, err)
		}
	}
	if _, err := s.Progs.Check.Run(); err != nil {
		t.Fatal(err)
	}
	if s.Bss.Wrong != 0 {
		t.Errorf("C reads %d of the values that Go wrote differently, the last one %s", s.Bss.Wrong, members[s.Bss.LastWrong].c)
	}
	t.Logf("%d members read and written", len(members))
}

// TestTortureAlign checks that a packed type is not more strictly aligned than in C, which would
// change its offset.
func TestTortureAlign(t *testing.T) {
	if a := unsafe.Alignof(skel.Packed4{}); a > 4 {
		t.Errorf("struct packed_4 has alignment %d in Go, 4 in C", a)
	}
}
