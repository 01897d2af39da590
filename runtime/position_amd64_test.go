package runtime

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestIn32BitProcess runs the readers' tests in a 32-bit process on this 64-bit kernel.
func TestIn32BitProcess(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "runtime.test")
	build := exec.Command("go", "test", "-c", "-o", bin, ".")
	build.Env = append(os.Environ(), "GOARCH=386", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(bin, "-test.v", "-test.run", "^(TestRingBuf|TestUserRingBuf|TestPerfEventArray|TestSecondReader|TestPoller|TestConsume|FuzzSharedMemory)").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
