//vmtest:all

package keyring_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/cms/cmstest"
	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/keyring"
)

// A keyring that cannot take a certificate is reported as what it is.
func TestAddErrors(t *testing.T) {
	id := cmstest.New(t, cmstest.Options{})
	ring, err := keyring.New(t.Name())
	if errors.Is(err, unix.ENOSYS) {
		guest.NotHere(t, "%v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := unix.KeyctlInt(unix.KEYCTL_UNLINK, int(ring), unix.KEY_SPEC_USER_KEYRING, 0, 0); err != nil {
			t.Error(err)
		}
	}()
	serial, err := unix.AddKey("user", "key of "+t.Name(), []byte("secret"), int(ring))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		ring  runtime.Keyring
		cert  []byte
		cause error
		want  string
	}{
		{runtime.Keyring(serial), id.Cert.Raw, unix.ENOTDIR, fmt.Sprintf("add certificate to the key with the serial number %d: not a keyring: ", serial)},
		{1<<31 - 1, id.Cert.Raw, unix.ENOKEY, "add certificate to the key with the serial number 2147483647: no such keyring: "},
		{runtime.BuiltinKeyring, id.Cert.Raw, nil, "add certificate to the builtin keyring: use the keyring's serial number"},
		{runtime.NoKeyring, id.Cert.Raw, nil, "add certificate to no keyring: "},
		{runtime.SessionKeyring, []byte("x"), nil, "add certificate to the session keyring: x509: "},
	} {
		_, err := keyring.Add(tt.ring, tt.cert)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || tt.cause != nil && !errors.Is(err, tt.cause) {
			t.Errorf("%v: %v, want %q", tt.ring, err, tt.want)
		}
	}
}
