package load

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// kconfigSpec returns a Spec with one variable.
func kconfigSpec(v spec.KconfigVar) *spec.Spec {
	return &spec.Spec{Kconfig: spec.FormatKconfig([]spec.KconfigVar{v})}
}

// Each type accepts the same values as in libbpf (set_kcfg_value_tri, _str and _num).
func TestKconfigValues(t *testing.T) {
	const refused = "refused"
	tri, boolean := spec.KconfigVar{Type: spec.KconfigTristate, Size: 4}, spec.KconfigVar{Type: spec.KconfigBool, Size: 1}
	text := spec.KconfigVar{Type: spec.KconfigString, Size: 4}
	u8, s8 := spec.KconfigVar{Type: spec.KconfigChar, Size: 1}, spec.KconfigVar{Type: spec.KconfigChar, Size: 1, Signed: true}
	u16, s16 := spec.KconfigVar{Type: spec.KconfigInt, Size: 2}, spec.KconfigVar{Type: spec.KconfigInt, Size: 2, Signed: true}
	u64, s64 := spec.KconfigVar{Type: spec.KconfigInt, Size: 8}, spec.KconfigVar{Type: spec.KconfigInt, Size: 8, Signed: true}
	number := func(n uint64, size int) string {
		b := make([]byte, size)
		putNumber(b, n)
		return string(b)
	}
	for _, c := range []struct {
		v    spec.KconfigVar
		text string
		want string
	}{
		{boolean, "y", "\x01"},
		{boolean, "n", "\x00"},
		{boolean, "m", refused},
		{boolean, "1", refused},
		{boolean, `"y"`, refused},
		{tri, "y", number(1, 4)},
		{tri, "m", number(2, 4)},
		{tri, "n", number(0, 4)},
		{tri, "2", refused},
		{tri, `""`, refused},
		{u8, "y", "y"},
		{u8, "m", "m"},
		{u8, "255", "\xff"},
		{u8, "256", refused},
		{u8, "-1", refused},
		{u8, `"y"`, refused},
		{s8, "-128", "\x80"},
		{s8, "127", "\x7f"},
		{s8, "128", refused},
		{s8, "-129", refused},
		{u16, "65535", "\xff\xff"},
		{u16, "0x10000", refused},
		{u16, "y", refused},
		{u16, "010", number(8, 2)},
		{u16, "0b1", refused},
		{u16, "0o7", refused},
		{u16, "1_0", refused},
		{u64, "18446744073709551616", refused},
		{s16, "-32768", number(0x8000, 2)},
		{s16, "32768", refused},
		{u64, "0xffffffffffffffff", number(1<<64-1, 8)},
		{u64, "18446744073709551616", refused},
		{u64, "1_000", refused},
		{u64, "12x", refused},
		{s64, "-1", number(1<<64-1, 8)},
		{s64, "-", refused},
		{s64, "yes", refused},
		{text, `"ab"`, "ab\x00\x00"},
		{text, `"abcdef"`, "abc\x00"},
		{text, `""`, "\x00\x00\x00\x00"},
		{text, `"a`, refused},
		{text, `"`, refused},
		{text, "y", refused},
		{text, "5", refused},
	} {
		c.v.Name = "CONFIG_X"
		own := KconfigReader(strings.NewReader("CONFIG_Y=1\nCONFIG_X=" + c.text + "\nCONFIG_X=7\n"))
		k, err := readKconfig(kconfigSpec(c.v), int(c.v.Size), own)
		if err != nil {
			t.Fatal(err)
		}
		if len(k.looked) != 1 {
			t.Errorf("%s: read %q, although the value is known", c.text, k.looked)
		}
		got := string(k.value)
		if err := k.errorOf(0); err != nil {
			got = refused
			var named *KconfigError
			if !errors.As(err, &named) || named.Name != "CONFIG_X" || named.Value != c.text || !strings.Contains(err.Error(), "LoadOptions.Kconfig") {
				t.Errorf("%s: %v", c.text, err)
			}
		}
		if got != c.want {
			t.Errorf("%s of %d bytes: %q, want %q", c.text, c.v.Size, got, c.want)
		}
	}
}

// Files that cannot have any of the variables are not read.
func TestKconfigReadsNoFiles(t *testing.T) {
	v := spec.KconfigVar{Name: "LINUX_KERNEL_VERSION", Type: spec.KconfigInt, Size: 4}
	own := &KconfigSource{read: func() (string, string, error) {
		t.Error("the caller's configuration was read")
		return "", "", nil
	}}
	k, err := readKconfig(kconfigSpec(v), 4, own)
	if err != nil || len(k.looked) != 0 || k.errorOf(0) != nil || bytes.Equal(k.value, make([]byte, 4)) {
		t.Errorf("read %q, %v, %x", k.looked, k.errorOf(0), k.value)
	}
}

// An endless configuration is refused.
func TestKconfigIsTooLarge(t *testing.T) {
	v := spec.KconfigVar{Name: "CONFIG_X", Type: spec.KconfigInt, Size: 4}
	if _, err := readKconfig(kconfigSpec(v), 4, KconfigFile("/dev/zero")); err == nil || !strings.Contains(err.Error(), "/dev/zero: larger than 16 MiB") {
		t.Error(err)
	}
}

// VersionCode derives the kernel's version code from the release names of distributions.
func TestVersionCode(t *testing.T) {
	for text, want := range map[string]uint64{
		"6.18.44-fc-v669": 6<<16 + 18<<8 + 44, "4.19.260-1 (2022-09-29)": 4<<16 + 19<<8 + 255, "5.4.8": 5<<16 + 4<<8 + 8,
		"6.1.0-50-cloud-amd64": 6<<16 + 1<<8, "6.18-rc1": 0, "6.18": 0, "": 0, "x.y.z": 0, "06.1.2": 0,
	} {
		if got := versionCode(text); got != want {
			t.Errorf("%q: %#x, want %#x", text, got, want)
		}
	}
}

// A description that does not belong to the object is refused.
func TestDamagedKconfig(t *testing.T) {
	for _, text := range []string{"0 4 4 0 0", "4 4 4 0 0 CONFIG_X\n", "4294967295 4 4 0 0 CONFIG_X\n", "0 3 4 0 0 CONFIG_X\n", "0 0 5 0 0 CONFIG_X\n", "x\n", "\n"} {
		if vars, err := spec.ParseKconfig(text, 4); err == nil {
			t.Errorf("%q: %+v", text, vars)
		}
	}
}
